"""JSON tables: a list of objects, alone or as the member ``rows`` of an object."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from provenance.errors import InputError

from labeljoin.tables.json_lines import JsonRowTable, Row


class JsonTable(JsonRowTable):
    """A JSON file, or a directory of them."""

    format = "json"

    def _part_rows(self, part: Path, text: frozenset[str]) -> Iterator[Row]:
        rows = document_rows(part, load(part))
        raw: list[Row] = []
        if any(isinstance(row.get(name), float) for row in rows for name in text):
            raw = document_rows(part, load(part, parse_float=str, parse_constant=str))
        for number, row in enumerate(rows):
            for name in text:
                if isinstance(row.get(name), float):
                    row[name] = raw[number][name]
            yield row


def load(path: Path, **options: Any) -> Any:
    """The JSON document in ``path``."""
    try:
        return json.loads(path.read_bytes().decode("utf-8-sig"), **options)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"this is not JSON ({error})", where=str(path), fix="Mend the file"
        ) from None


def document_rows(path: Path, document: Any) -> list[Row]:
    """The rows of a JSON document."""
    rows = document.get("rows") if isinstance(document, dict) else document
    if not isinstance(rows, list):
        raise InputError(
            "this JSON document holds no rows",
            where=str(path),
            fix='Write a list of objects, or {"rows": [...]}',
        )
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise InputError(
                "this row is not a JSON object",
                where=f"{path}, row {number}",
                fix="Write a list of objects",
            )
    return rows

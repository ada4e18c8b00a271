"""Add members to the objects of a JSONL file, line by line, leaving the lines' text as it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from provenance.errors import InputError

from labeljoin import json_text
from labeljoin.attachment import Attachment, PartReport, collision_error
from labeljoin.hashing import HashedWriter, digest_of
from labeljoin.tables.json_lines import BOM

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_LINES = 16_384


@dataclass(slots=True)
class _Line:
    """A line of the file: what stands around its object, and the object."""

    before: str
    text: str
    after: str
    brace: int
    has_members: bool
    key: str | None


def splice(task: Attachment) -> PartReport:
    """Write a JSONL file with the new members in every object."""
    import pyarrow as pa

    rows_in = rows_out = 0
    with (
        task.source.open("rb") as source,
        HashedWriter(task.destination, digests=task.digests) as out,
    ):
        numbered = enumerate(source, 1)
        while batch := list(islice(numbered, BATCH_LINES)):
            lines = [_parsed(task, number, raw) for number, raw in batch]
            objects = [line for line in lines if isinstance(line, _Line)]
            values = pa.array([line.key for line in objects], pa.string())
            additions = iter(member_texts(task.columns_for_keys(values)))
            kept = iter(task.keep(values).to_pylist() if task.keep else [True] * len(objects))
            rows_in += len(objects)
            for line in lines:
                if isinstance(line, bytes):
                    out.write(line)
                    continue
                addition = next(additions)
                if next(kept):
                    rows_out += 1
                    out.write(_spliced(line, addition).encode())
        digest = out.digest()
    return PartReport(
        source=task.source,
        destination=task.destination,
        engine="jsonl-splice",
        reason=None,
        rows_in=rows_in,
        rows_out=rows_out,
        source_digest=digest_of(task.source) if task.digests else None,
        digest=digest,
        prefix_size=0,
    )


def _parsed(task: Attachment, number: int, raw: bytes) -> _Line | bytes:
    where = f"{task.source}, line {number}"
    bom = raw[: len(BOM)] if number == 1 and raw.startswith(BOM) else b""
    try:
        line = raw[len(bom) :].decode()
        start = json_text.skip_blanks(line, 0)
        if start == len(line):
            return raw
        found, brace = json_text.members(line, start)
        if json_text.skip_blanks(line, brace + 1) != len(line):
            raise json.JSONDecodeError("Extra data", line, brace + 1)
        keys = [member for member in found if member.name == task.key]
        key = json_text.key_text(line, keys[-1] if keys else None)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"this line is not a JSON object ({error})", where=where, fix="Mend or remove the line"
        ) from None
    added = task.columns_for_keys.schema.names
    names = {member.name for member in found}
    collisions = [name for name in added if name in names and name not in task.replace]
    if collisions:
        raise collision_error(collisions, where)
    line, brace, has_members = json_text.without(line, found, brace, task.replace)
    return _Line(bom.decode(), line[:brace], line[brace:], brace, has_members, key)


def _spliced(line: _Line, addition: str) -> str:
    comma = ", " if line.has_members and addition else ""
    return f"{line.before}{line.text}{comma}{addition}{line.after}"


def member_texts(batch: pa.RecordBatch) -> Iterator[str]:
    """The members of each row as JSON text, without braces; NaN and infinity are null."""
    names = [json.dumps(name, ensure_ascii=False) for name in batch.schema.names]
    columns = [column.to_pylist() for column in batch.columns]
    for row in zip(*columns, strict=True):
        yield ", ".join(
            f"{name}: {_json_value(value)}" for name, value in zip(names, row, strict=True)
        )


def _json_value(value: Any) -> str:
    if isinstance(value, float) and (value != value or value in (float("inf"), -float("inf"))):
        return "null"
    return json.dumps(value, ensure_ascii=False)

"""Batch manifests: tables to work on, validated whole before the first one is."""

from __future__ import annotations

import difflib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from provenance.toolkit import InputError, read_document

from labeljoin.batch.job import BatchJob, ManifestTable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from jsonschema.exceptions import ValidationError

_TEXT = {"type": "string", "minLength": 1}


def manifest_schema(job: BatchJob) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a job's manifest, as published in ``docs/schemas``.

    Examples:
        >>> from labeljoin.batch import LABEL_BATCH
        >>> manifest_schema(LABEL_BATCH)["$id"]
        'mos-label-manifest-v1.json'
    """
    options = {**job.option_schemas, "in_place": {"type": "boolean"}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{job.manifest_schema}.json",
        "title": f"Manifest of {job.entrypoint}",
        "description": f"The tables that `{job.entrypoint}` works on, and the options of each. "
        "Relative paths start from the manifest's folder, or from --base-dir.",
        "type": "object",
        "properties": {
            "$schema": {"type": "string"},
            "schema": {"const": job.manifest_schema},
            "defaults": {
                "description": "Options of every table that does not give them itself.",
                "type": "object",
                "properties": options,
                "additionalProperties": False,
            },
            "tables": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "properties": {
                        "id": {**_TEXT, "description": "The table's name in the report."},
                        **job.path_schemas,
                        **options,
                    },
                    "required": ["id", "features", *job.required, "out"],
                    **(
                        {"anyOf": [{"required": [name]} for name in job.either]}
                        if job.either
                        else {}
                    ),
                    "additionalProperties": False,
                },
            },
        },
        "required": ["tables"],
        "additionalProperties": False,
    }


def load_manifest(
    path: str | os.PathLike[str], job: BatchJob, *, base_dir: str | os.PathLike[str] | None = None
) -> list[ManifestTable]:
    """Read a manifest and validate all of it.

    Args:
        path: A JSON file.
        job: What the manifest is for.
        base_dir: The folder that relative paths start from; the manifest's own by default.

    Raises:
        InputError: The file is no JSON, or the manifest has problems; all of them are named.

    Examples:
        >>> import json
        >>> from labeljoin.batch import LABEL_BATCH
        >>> table = {"id": "a", "features": "f.csv", "labels": ["l.csv"], "out": "o.csv"}
        >>> _ = Path("m.json").write_text(json.dumps({"tables": [table]}))
        >>> [table.id for table in load_manifest("m.json", LABEL_BATCH)]
        ['a']
    """
    document = _read(Path(path))
    problems = [_sentence(error) for error in _schema_errors(document, job)]
    if problems:
        raise _refusal(path, problems)
    problems = list(_odd_paths(document["tables"], job))
    if problems:
        raise _refusal(path, problems)
    base = Path(path).parent if base_dir is None else Path(base_dir)
    tables = [
        _table({**document.get("defaults", {}), **members}, job, base)
        for members in document["tables"]
    ]
    problems = [*_duplicates(tables, job), *_bad_options(tables, job)]
    if problems:
        raise _refusal(path, problems)
    return tables


def _read(path: Path) -> Any:
    raw = read_document(path, "The manifest")
    try:
        return json.loads(raw.decode("utf-8-sig"), object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"the manifest is not JSON ({error})",
            where=str(path),
            fix="Fix it",
            code="manifest.not-json",
        ) from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"an object has two members {twice!r}")
    return dict(pairs)


def _schema_errors(document: Any, job: BatchJob) -> list[ValidationError]:
    from jsonschema import Draft202012Validator

    errors = Draft202012Validator(manifest_schema(job)).iter_errors(document)
    return sorted(errors, key=lambda error: [str(part) for part in error.absolute_path])


def _sentence(error: ValidationError) -> str:
    """One of jsonschema's findings in our words."""
    place, rule = _place(error.absolute_path), error.validator
    value: Any = error.instance
    wanted: Any = error.validator_value
    if rule == "additionalProperties":
        known = list(cast("dict[str, Any]", error.schema)["properties"])
        unknown = [name for name in value if name not in known]
        return f"{place}: " + ", ".join(_unknown(name, known) for name in unknown)
    if rule == "required":
        return f"{place}: {next(name for name in wanted if name not in value)!r} is missing"
    shown = json.dumps(value, ensure_ascii=False)
    if rule == "enum":
        return f"{place}: {shown} is not one of {', '.join(wanted)}"
    if rule == "type":
        return f"{place}: {shown} is not {_kind(wanted)}"
    if rule in ("minLength", "minItems"):
        return f"{place}: is empty"
    if rule == "anyOf" and all(set(choice) == {"required"} for choice in wanted):
        first, *others = (repr(choice["required"][0]) for choice in wanted)
        return f"{place}: {first} is missing, or {', or '.join(others)} in its place"
    if rule == "anyOf":
        return f"{place}: {shown} has a type that is not allowed here"
    return f"{place}: {error.message}"


def _place(parts: Sequence[str | int]) -> str:
    place = ""
    for part in parts:
        place += f"[{part}]" if isinstance(part, int) else f"{'.' if place else ''}{part}"
    return place or "the manifest"


def _unknown(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"unknown key {name!r}" + (f" (did you mean {close[0]!r}?)" if close else "")


def _kind(types: str | list[str]) -> str:
    words = {
        "string": "text",
        "array": "a list",
        "object": "an object",
        "boolean": "true or false",
        "number": "a number",
        "null": "null",
    }
    listed = [types] if isinstance(types, str) else types
    return " or ".join(words.get(kind, kind) for kind in listed)


def _refusal(path: str | os.PathLike[str], problems: Sequence[str]) -> InputError:
    count = f"{len(problems)} problems in the manifest: " if len(problems) > 1 else ""
    return InputError(
        count + "; ".join(problems),
        where=os.fspath(path),
        fix="Correct the manifest",
        code="manifest.problems",
    )


def _odd_paths(tables: Sequence[Mapping[str, Any]], job: BatchJob) -> Iterator[str]:
    for number, members in enumerate(tables):
        for name in job.path_schemas:
            value = members.get(name)
            for path in value if isinstance(value, list) else [value]:
                if isinstance(path, str) and not _can_be_a_path(path):
                    yield (
                        f"tables[{number}].{name}: a path holds a control character, or half a "
                        "surrogate pair"
                    )


def _can_be_a_path(text: str) -> bool:
    try:
        os.fsencode(text)  # a name that is not UTF-8 stands for its bytes, and comes back
    except UnicodeEncodeError:
        return False
    return all(ord(character) >= 32 for character in text)


def _table(members: dict[str, Any], job: BatchJob, base: Path) -> ManifestTable:
    paths: dict[str, Any] = {}
    for name in job.path_schemas:
        value = members.get(name)
        if isinstance(value, list):
            paths[name] = [job.resolve(item, base) for item in value]
        else:
            paths[name] = None if value is None else job.resolve(value, base)
    return ManifestTable(members["id"], members, paths)


def _duplicates(tables: Sequence[ManifestTable], job: BatchJob) -> Iterator[str]:
    ids: dict[str, int] = {}
    for number, table in enumerate(tables):
        if table.id in ids:
            yield f"tables[{ids[table.id]}] and tables[{number}] have one id, {table.id!r}"
        ids.setdefault(table.id, number)
    writers: dict[str, ManifestTable] = {}
    for table in tables:
        for path in job.outputs(table):
            place = os.path.realpath(path)
            if place in writers:
                yield f"{_both(writers[place], table)} write {path}"
            writers.setdefault(place, table)
    for table in tables:
        for path in job.inputs(table):
            writer = writers.get(os.path.realpath(path))
            if writer is not None and writer is not table:
                yield (
                    f"table {table.id!r} reads {path}, which table {writer.id!r} writes; tables "
                    "run in any order"
                )


def _both(one: ManifestTable, other: ManifestTable) -> str:
    if one is other:
        return f"two members of table {one.id!r}"
    return f"tables {one.id!r} and {other.id!r} both"


def _bad_options(tables: Sequence[ManifestTable], job: BatchJob) -> Iterator[str]:
    for table in tables:
        try:
            job.check(table)
        except InputError as error:
            yield f"table {table.id!r}: {error.what}"

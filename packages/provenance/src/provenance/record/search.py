"""Finding the record of a file: by name, beside it, or below some roots, by digest."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provenance.record.embedded import read_embedded
from provenance.record.hashing import Digest, hash_directory, hash_file, missing_file
from provenance.record.record import DamagedRecordError, Record, UnfinishedRunError, read_record
from provenance.stores import ObjectPath, as_path
from provenance.toolkit import InputError

if TYPE_CHECKING:
    from provenance.record.entry import FileEntry

_LEVELS_ABOVE = 3
"""How deep below a directory output a part may lie for its record to be found beside it."""

_PASSED_OVER = {".git", ".venv", "venv", ".nox", ".tox", "node_modules", "__pycache__"}


def load_record(
    path: os.PathLike[str] | str, *, roots: Sequence[os.PathLike[str] | str] = ()
) -> Record:
    """Read a record from its file, or find it for a file that it describes.

    A record is looked for beside the file and then in all of ``roots``. It describes the file where
    one of its outputs has the file's digest, or else its path.

    Args:
        path: A record, or a table, model or report that a run has made.
        roots: Folders to search as well.

    Raises:
        InputError: The file is unreadable, or has no record there.
        UnfinishedRunError: It has none, and says of itself that a run has made it.
        DamagedRecordError: The record's bytes cannot be read as JSON any more.

    Example:
        >>> from pathlib import Path
        >>> from provenance import start_run
        >>> _ = Path("in.csv").write_text("1")
        >>> with start_run("job.py", inputs={"table": "in.csv"}) as run:
        ...     _ = Path(run.stage("out", "out.csv")).write_text("2")
        >>> record = load_record("out.csv")
        >>> record.entrypoint, [entry.name for entry in record.input_entries()]
        ('job.py', ['table'])
    """
    given = as_path(path)
    stored = isinstance(given, ObjectPath)
    # resolve() would follow the last link
    target = given if stored else Path(os.path.abspath(given))  # noqa: PTH100
    if target.is_file() and (record := read_record(target)) is not None:
        return record
    if not target.exists():
        # The output may be gone while its record stands.
        found = find_record(target, None, roots)
        if found is None:
            raise missing_file(path)
        return found
    digest = None
    if not stored:  # an object is known by its place: nobody downloads it to hash it
        digest = hash_directory(target) if target.is_dir() else hash_file(target)
    found = find_record(target, digest, roots)
    if found is None:
        raise no_record(target)
    return found


def no_record(path: Path) -> InputError | UnfinishedRunError:
    """Return the error that says that no record describes ``path``, and what that means."""
    if short_form(path) is None:
        return InputError(
            "No run record describes it",
            where=os.fspath(path),
            fix="Say with --root where its record is",
            code="record.none",
        )
    return UnfinishedRunError(
        "A run made it and its record is not there: the run did not finish, or the record was lost",
        where=os.fspath(path),
        fix="Say with --root where its record is, or make it again",
        code="record.unfinished-run",
    )


def short_form(path: Path) -> Mapping[str, Any] | None:
    """Return the short form of a record inside an artefact; None if it cannot be read."""
    if not path.is_file():
        return None
    try:
        raw = read_embedded(path)
        short = None if raw is None else json.loads(raw)
    except Exception:  # a reader of another package, on bytes of any kind
        return None
    if not isinstance(short, dict) or not isinstance(short.get("inputs"), dict):
        return None
    return short


def find_record(
    target: Path, digest: Digest | None, roots: Sequence[os.PathLike[str] | str]
) -> Record | None:
    """Return the record that describes ``target``: by digest before by path, near before far.

    Raises:
        DamagedRecordError: A record that speaks of ``target`` cannot be read any more.
    """
    by_path: Record | None = None
    faulty: Record | None = None
    damaged: DamagedRecordError | None = None
    for candidate in _candidates(target, roots):
        try:
            record = read_record(candidate)
        except InputError:
            continue
        except DamagedRecordError as error:
            if damaged is None and _speaks_of(candidate, target, digest):
                damaged = error
            continue
        if record is None or candidate == target:
            continue
        for entry in record.output_entries():
            if digest is not None and digest.sha256 in entry.digests():
                return record
            if by_path is None and _same_place(entry, target):
                by_path = record
        if record.faults and faulty is None and _speaks_of(candidate, target, digest):
            faulty = record  # what has changed in it may be the very name of the output
    if by_path is None and faulty is None and damaged is not None:
        raise damaged
    return by_path or faulty


def record_files(roots: Iterable[os.PathLike[str] | str]) -> Iterator[Path]:
    """All files in and below ``roots`` that a record may be in, in the order of their paths."""
    for root in roots:
        for folder, folders, files in os.walk(root):
            folders[:] = sorted(name for name in folders if name not in _PASSED_OVER)
            yield from (Path(folder, name) for name in sorted(files) if name.endswith(".json"))


def files_below(roots: Iterable[os.PathLike[str] | str]) -> Iterator[Path]:
    """All files in and below ``roots``, in the order of their paths."""
    for root in roots:
        for folder, folders, files in os.walk(root):
            folders[:] = sorted(name for name in folders if name not in _PASSED_OVER)
            yield from (Path(folder, name) for name in sorted(files))


def _candidates(target: Path, roots: Sequence[os.PathLike[str] | str]) -> Iterator[Path]:
    """Yield where the record of ``target`` may be, the likeliest first.

    By its name, beside it, beside a directory that it may be a part of, and below the roots.
    """
    seen: set[Path] = set()
    for path in (*_near(target), *record_files(roots)):
        if path not in seen and path.is_file():
            seen.add(path)
            yield path


def _near(target: Path) -> Iterator[Path]:
    stored = isinstance(target, ObjectPath)
    for place in (target, *target.parents[:_LEVELS_ABOVE]):
        folder = place.parent
        if stored and len(place.parts) < 3:  # the bucket
            return
        yield folder / f"{place.name}.audit.json"
        yield folder / f"{place.stem}.json"
        yield folder / f"{place.stem}.audit.json"
        if not stored and folder.is_dir():  # a prefix may hold millions of objects
            yield from sorted(folder.glob("*.json"))


def _speaks_of(record: Path, target: Path, digest: Digest | None) -> bool:
    raw = record.read_bytes()
    if record.name in (f"{target.name}.audit.json", f"{target.stem}.json"):
        return True
    names = [target.name.encode("utf-8", "surrogateescape")]
    if digest is not None:
        names.append(digest.sha256.encode())
    return any(name in raw for name in names)


def _same_place(entry: FileEntry, target: Path) -> bool:
    if entry.path == target:
        return True
    if entry.directory and target.is_relative_to(entry.path):
        part = target.relative_to(entry.path).as_posix()
        return any(item.written_path == part for item in entry.files)
    return entry.path.name == target.name and os.path.realpath(entry.path) == os.path.realpath(
        target
    )

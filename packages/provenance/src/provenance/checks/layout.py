"""The scratch folder of a replay: recorded inputs where the command will look for them.

It mirrors the recorded places relative to each other, so that the recorded command line can be run
there word for word: a path as it was typed can be part of an output (``mos_label_source``).
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

from provenance.record.entry import FileEntry, entries_of
from provenance.record.record import Record, read_record
from provenance.toolkit import InputError


@dataclass
class Layout:
    """The scratch folder: a mirror of the recorded places below ``tree``.

    Attributes:
        folder: The scratch folder.
        cwd: The mirror of the folder that the command ran in.
        placed: The files that were laid out.
    """

    folder: Path
    cwd: Path
    placed: set[Path] = field(default_factory=set)

    def mirror(self, path: Path) -> Path:
        """Return where a recorded absolute path is in the scratch folder."""
        tree = self.folder / "tree"
        place = Path(os.path.normpath(tree / PurePath(*path.parts[1:])))
        if not place.is_relative_to(tree):
            raise InputError(
                "A recorded path leads out of any folder",
                where=os.fspath(path),
                fix="Run it by hand, and compare the outputs with verify",
                code="replay.path-outside",
            )
        return place


def started_runs(record: Record) -> list[Record]:
    """Return the runs that a run has started, such as the tables of a batch."""
    started = []
    for entry in record.output_entries():
        if entry.role == "audit" and entry.path.is_file():
            run = read_record(entry.path)
            if run is not None and run.path != record.path:
                started.append(run)
    return started


def typed_paths(record: Record) -> dict[FileEntry, str]:
    """Return how each input and output was typed, if the record's options say it.

    An option of the same name has the path as given, perhaps after ``LABEL=``.
    """
    args = record.block.get("args") or {}
    typed: dict[FileEntry, str] = {}
    for slots in (record.inputs, record.outputs):
        for name, slot in slots.items():
            entries = entries_of(slot)
            given = [word for word in _words(args.get(name)) if word]
            for position, entry in enumerate(entries):
                aligned = given[position : position + 1] if len(given) == len(entries) else given
                for word in aligned:
                    path = _path_in(word, entry)
                    if path is not None:
                        typed[entry] = path
                        break
    return typed


def _words(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [word for member in value for word in _words(member)]
    return []


def _path_in(word: str, entry: FileEntry) -> str | None:
    for candidate in (word, word.partition("=")[2]):
        tail = _tail(candidate)
        if tail and entry.path.parts[-len(tail) :] == tail:
            return candidate
    return None


def _tail(path: str) -> tuple[str, ...]:
    """Return the parts of a normalised path after its leading ``..``."""
    parts = PurePath(os.path.normpath(path)).parts if path else ()
    return tuple(part for part in parts if part not in ("..", "."))


def _recorded_cwd(record: Record, typed: Mapping[FileEntry, str]) -> Path:
    """Return the folder that most recorded relative paths start from."""
    votes: Counter[Path] = Counter()
    for entry, word in typed.items():
        path = PurePath(os.path.normpath(word))
        if path.is_absolute():
            continue
        above = Path(*entry.path.parts[: len(entry.path.parts) - len(_tail(word))])
        ups = path.parts.count("..")
        # Which folder a `..` came out of is known from the other paths only.
        votes[above.joinpath(*(["cwd"] * ups))] += 1 if ups else 1000
    if not votes:
        return record.path.parent
    return max(votes, key=lambda folder: (votes[folder], os.fspath(folder)))


def lay_out(
    folder: Path,
    record: Record,
    typed: Mapping[FileEntry, str],
    located: Mapping[FileEntry, Path],
    *,
    copy: bool,
) -> Layout:
    """Lay out the inputs of a run, and of the runs it has started, for running it again.

    Files are linked where the file system allows it; what the run will replace is copied.

    Args:
        folder: An empty folder.
        record: The run.
        typed: How its inputs and outputs were typed.
        located: Where the bytes of its inputs are.
        copy: Copy all files: a script may write to what it reads.

    Raises:
        InputError: A path was typed that leads out of the folder.
    """
    recorded_cwd = _recorded_cwd(record, typed)
    layout = Layout(folder, folder)
    layout.cwd = layout.mirror(recorded_cwd)
    layout.cwd.mkdir(parents=True)
    made = (record, *started_runs(record))
    replaced = {entry.path for run in made for entry in run.output_entries()}
    for entry, source in located.items():
        places = [layout.mirror(entry.path)]
        word = typed.get(entry)
        if word is not None and not PurePath(word).is_absolute():
            places.append(Path(os.path.normpath(layout.cwd / word)))
        for place in dict.fromkeys(places):
            if not place.is_relative_to(folder):
                raise InputError(
                    f"The input {entry.name} was given as {word}, which leads out of any folder",
                    where=os.fspath(record.path),
                    fix="Run it by hand, and compare the outputs with verify",
                    code="replay.input-outside",
                )
            _place(entry, source, place, layout, copy=copy or entry.path in replaced)
    return layout


def _place(entry: FileEntry, source: Path, place: Path, layout: Layout, *, copy: bool) -> None:
    if entry.directory:
        place.mkdir(parents=True, exist_ok=True)
        for part in entry.files:
            name = part.written_path
            if PurePath(name).is_absolute() or ".." in PurePath(name).parts:
                raise InputError(
                    f"A file of the input {entry.name} lies outside of its directory",
                    where=name,
                    fix="Run it by hand, and compare the outputs with verify",
                    code="replay.part-outside",
                )
            _place_file(source / name, place / name, layout, copy=copy)
    else:
        _place_file(source, place, layout, copy=copy)


def _place_file(source: Path, place: Path, layout: Layout, *, copy: bool) -> None:
    if place.exists():
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    layout.placed.add(place)
    real = source.resolve()
    if copy:
        shutil.copyfile(real, place)
        return
    try:
        os.link(real, place)
    except OSError:  # another file system, or one without hard links
        place.symlink_to(real)


def redirect_moved(
    argv: Sequence[str], typed: Mapping[FileEntry, str], located: Mapping[FileEntry, Path]
) -> list[str]:
    """Return ``argv`` with the absolute paths of moved inputs replaced."""
    tokens = list(argv)
    for entry, place in located.items():
        word = typed.get(entry)
        if word is None or not PurePath(word).is_absolute() or place == entry.path:
            continue
        tokens = [
            token[: len(token) - len(word)] + os.fspath(place)
            if token == word or token.endswith(f"={word}")
            else token
            for token in tokens
        ]
    return tokens

"""Where a run reads and writes, so that no output takes the place of another file of the run."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from provenance.record.hashing import directory_files
from provenance.toolkit import InputError


@dataclass(frozen=True)
class Place:
    """A file or directory that a run reads or writes.

    Attributes:
        name: Its name in the run.
        what: What it is, in words for people.
        path: As it was given.
        real: Its path without symbolic links.
    """

    name: str
    what: str
    path: str
    real: str


class Places:
    """The inputs and outputs of a run by where they really are.

    Two names are one place where their real paths are equal, where both are the same file under two
    hard links, or where one is a folder that holds the other.
    """

    def __init__(self) -> None:
        self._inputs = _Index()
        self._outputs = _Index()

    def add_input(self, name: str, what: str, path: os.PathLike[str] | str) -> None:
        """Add a file or directory that is read; it need not exist.

        Raises:
            InputError: An output that was added before would take its place.
        """
        place = Place(name, what, os.fspath(path), os.path.realpath(path))
        for output in self._outputs.same_as(place):
            raise _collision(output.what, Path(output.path), place, advice=None)
        self._inputs.add(place)
        with suppress(OSError, InputError):
            if Path(path).is_dir():
                # A part may be a link to a file elsewhere.
                for part in directory_files(Path(path)):
                    inside = os.fspath(Path(path, part))
                    self._inputs.add(Place(name, what, inside, os.path.realpath(inside)))

    def add_output(
        self,
        name: str,
        what: str,
        path: os.PathLike[str] | str,
        *,
        replaces: Collection[str] = (),
        advice: str | None = None,
    ) -> None:
        """Add an output before anything is written to it.

        Args:
            name: Its name in the run; an output that is added again under its name stays one.
            what: What it is, in words for people.
            path: Where it will be.
            replaces: Names of inputs that it may be, by the same path or another link.
            advice: What else may be done where it is an input.

        Raises:
            InputError: It would take the place of an input or of another output.
        """
        place = Place(name, what, os.fspath(path), os.path.realpath(path))
        for taken in (*self._outputs.same_as(place), *self._outputs.around(place)):
            if taken.name != name:
                raise _collision(what, Path(path), taken, advice=None)
        for taken in self._inputs.same_as(place):
            if taken.name not in replaces:
                raise _collision(what, Path(path), taken, advice=advice)
        for taken in self._inputs.around(place):
            raise _collision(what, Path(path), taken, advice=None)
        self._outputs.add(place)


def refuse_replaced(
    name: str, existing: Sequence[Path], staged: Sequence[tuple[str, Path]]
) -> None:
    """Refuse outputs that exist already and that the same run is about to write itself.

    Args:
        name: The name of the existing outputs in the record.
        existing: Where they are.
        staged: The names of the outputs that the run writes, and where they will be.

    Raises:
        InputError: An existing output would be replaced by one that is staged.
    """
    for output, destination in staged:
        place = os.path.realpath(destination)
        for path in existing:
            if os.path.realpath(path) == place:
                raise InputError(
                    f"It would be replaced by the output {output}, and is the output {name} that "
                    "exists already",
                    where=os.fspath(path),
                    fix="Give each its own path",
                    code="output.replaced",
                )


class _Index:
    """Places by real path, by file, and by each folder above them."""

    def __init__(self) -> None:
        self._by_path: dict[str, list[Place]] = {}
        self._by_file: dict[tuple[int, int], list[Place]] = {}
        self._below: dict[str, Place] = {}

    def add(self, place: Place) -> None:
        self._by_path.setdefault(place.real, []).append(place)
        if (file := _file_of(place)) is not None:
            self._by_file.setdefault(file, []).append(place)
        for folder in _folders_above(place.real):
            self._below.setdefault(folder, place)

    def same_as(self, place: Place) -> Iterator[Place]:
        yield from self._by_path.get(place.real, ())
        file = _file_of(place)
        if file is not None:
            yield from self._by_file.get(file, ())

    def around(self, place: Place) -> Iterator[Place]:
        """Yield the places in ``place``, and those that hold it."""
        if place.real in self._below:
            yield self._below[place.real]
        for folder in _folders_above(place.real):
            yield from self._by_path.get(folder, ())


def _file_of(place: Place) -> tuple[int, int] | None:
    try:
        status = Path(place.real).stat()
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


def _folders_above(path: str) -> Iterator[str]:
    yield from map(os.fspath, Path(path).parents)


def _collision(what: str, target: Path, taken: Place, *, advice: str | None) -> InputError:
    real = os.path.realpath(target)
    if real.startswith(taken.real + os.sep):
        verb = "would lie in"
    elif taken.real.startswith(real + os.sep):
        verb = "would hold"
    else:
        verb = "would replace"
    more = f", or {advice}" if advice else ""
    what = what[0].upper() + what[1:]
    return InputError(
        f"{what} {verb} {taken.path}, which is {taken.what}",
        where=os.fspath(target),
        fix=f"Give each a path of its own{more}",
        code="output.collision",
    )

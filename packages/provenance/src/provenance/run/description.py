"""What a run is: what runs, and what it was told."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provenance.stores import as_path
from provenance.toolkit.errors import InputError


@dataclass(frozen=True)
class RunDescription:
    """What a record says of a run beside its files; see :func:`start_run`.

    Attributes:
        entrypoint: What runs: a command, or a script's path.
        args: Normalised options by snake_case name, paths as given.
        argv: The command-line arguments.
        distribution: The distribution that runs, or None.
        module: The module whose source the record digests, or None.
        shared_trainer: The module that a command delegates to, or None.
        in_place: Whether outputs may be inputs; None where no option allows it.
    """

    entrypoint: str
    args: Mapping[str, Any]
    argv: Sequence[str]
    distribution: str | None = None
    module: str | None = None
    shared_trainer: str | None = None
    in_place: bool | None = None

    def input_words(self, name: str) -> str:
        """Return what an input is, in words for people, with its flag where it has one."""
        return f"the input {name} ({_flag(name)})" if name in self.args else f"the input {name}"

    def output_flag(
        self, name: str, target: Path, *, inputs: Collection[str], taken: Collection[str]
    ) -> str | None:
        """Return the flag that gave an output its place, or None.

        Args:
            name: The output's name in the record.
            target: Where the output will be.
            inputs: The names of the inputs, whose flags give no output its place.
            taken: The flags that gave other outputs theirs.
        """
        options = [
            option
            for option, value in self.args.items()
            if isinstance(value, str | os.PathLike)
            and _is_place(value, target)
            and option not in inputs
        ]
        if name in options:
            return _flag(name)
        return next((flag for flag in map(_flag, options) if flag not in taken), None)


def _is_place(value: str | os.PathLike[str], target: Path) -> bool:
    """Whether the value of an option is a path, and that of the target."""
    try:
        return as_path(value) == target
    except InputError:  # a URL that is a note, say, and names no file
        return False


def _flag(option: str) -> str:
    return f"--{option.replace('_', '-')}"

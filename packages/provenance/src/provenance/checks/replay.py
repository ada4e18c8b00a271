"""Running a recorded command again, and whether it makes the same bytes."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from provenance.checks.layout import Layout, lay_out, redirect_moved, started_runs, typed_paths
from provenance.checks.program import (
    ReplayProgram,
    ReplayRefusedError,
    recorded_arguments,
    recorded_program,
)
from provenance.record.entry import FileEntry, entries_of
from provenance.record.finding import FileFinder
from provenance.record.hashing import hash_file
from provenance.record.record import Record, read_record
from provenance.record.search import load_record
from provenance.run.border import REPLAY_INPUTS_VARIABLE, ReplayBorder, inputs_variable
from provenance.run.staging import REPLAY_VARIABLE, replay_target
from provenance.toolkit import InputError
from provenance.toolkit.grammar.configuration import VARIABLE as CONFIGURATION_VARIABLE

if TYPE_CHECKING:
    from provenance.documents import ReplayDocument
    from provenance.toolkit import ProgressCallback

REPLAY_SCHEMA: Literal["provenance-replay-v1"] = "provenance-replay-v1"

DIFFERENCE_GROUP = "provenance.differences"
"""Entry points that compare two files of a kind: the name is the suffix without its dot, the value
a function from both paths to the largest absolute difference between their numbers."""

OutputStatus = Literal["same", "different", "close", "missing", "unrecorded"]
"""``close``: a CUDA run, whose outputs differ by the number reported beside."""


@dataclass(frozen=True)
class OutputComparison:
    """What the replay made of one output.

    Attributes:
        name: The output's name in the record.
        status: How it compares.
        recorded: SHA-256 in the record; None where the run withdrew the output.
        replayed: SHA-256 now.
        largest_difference: Largest absolute difference between the numbers of both files, where
            they differ, both are there, and a reader of their kind is installed.
    """

    name: str
    status: OutputStatus
    recorded: str | None
    replayed: str | None
    largest_difference: float | None = None


@dataclass(frozen=True)
class Replay:
    """The outcome of :func:`replay`.

    Attributes:
        record: The record that was replayed.
        command: The program and its arguments.
        rebuilt: Whether the arguments were rebuilt from the record's options, since the run was a
            library call.
        notes: What differs between then and now: versions, and the source of the entry point.
        outputs: How each output compares.
        folder: Where the replayed files are, where they were kept.
    """

    record: Path
    command: tuple[str, ...]
    rebuilt: bool
    notes: tuple[str, ...]
    outputs: tuple[OutputComparison, ...]
    folder: Path | None = None

    @property
    def ok(self) -> bool:
        """Whether all outputs are bit-identical, or, of a CUDA run, were compared."""
        return all(item.status in ("same", "close", "unrecorded") for item in self.outputs)

    def to_document(self) -> ReplayDocument:
        """Return the outcome as a ``provenance-replay-v1`` document."""
        return {
            "schema": REPLAY_SCHEMA,
            "status": "ok" if self.ok else "failed",
            "record": os.fspath(self.record),
            "command": list(self.command),
            "rebuilt_from_args": self.rebuilt,
            "identical": all(item.status == "same" for item in self.outputs),
            "notes": list(self.notes),
            "outputs": [
                {
                    "name": item.name,
                    "status": item.status,
                    "recorded_sha256": item.recorded,
                    "replayed_sha256": item.replayed,
                    "largest_difference": item.largest_difference,
                }
                for item in self.outputs
            ],
            "folder": None if self.folder is None else os.fspath(self.folder),
        }


def replay(
    file: os.PathLike[str] | str,
    *,
    roots: Sequence[os.PathLike[str] | str] = (),
    keep: os.PathLike[str] | str | None = None,
    allow_script: bool = False,
    announce: Callable[[Sequence[str]], None] | None = None,
    progress: ProgressCallback | None = None,
) -> Replay:
    """Run the recorded command again in a scratch folder and compare what it makes.

    Nothing outside of the scratch folder is written by staged outputs. A run that was a library
    call of a moskit command has no argv; its command line is rebuilt from the recorded options.

    Anyone can write a record. Only moskit's own commands are run again, from the entry points of
    their installed distributions; another program only with ``allow_script``. Inputs are read
    only from the record's folder and ``roots``.

    Args:
        file: A record, or a file that it describes.
        roots: Further folders that inputs may be read from. The record, and inputs that were
            moved, are looked for in them.
        keep: A new folder to make the replay in and to leave behind; by default a temporary one.
        allow_script: Run a program that is not moskit's too. It can do all that you can.
        announce: Called with the command line of such a program before it starts.
        progress: Called while files are hashed.

    Returns:
        The comparison; a difference is a finding and no exception.

    Raises:
        InputError: There is no record, its command is not installed or no command of moskit, a
            secret was redacted from its arguments, the command refuses them, or an input lies
            outside of the folders that may be read.
        DamagedRecordError: The record was changed.
        ReplayRefusedError: The inputs it names are not there, or have changed.

    Example:
        >>> from pathlib import Path
        >>> from provenance import start_run
        >>> _ = Path("job.py").write_text("print()")
        >>> with start_run("job.py", inputs={}, argv=["--fast"]) as run:
        ...     _ = Path(run.stage("out", "out.csv")).write_text("2")
        >>> replay("out.csv")
        Traceback (most recent call last):
            ...
        provenance.toolkit.errors.InputError: ...out.csv.audit.json: The record is of a program that
        is not moskit's: python ...job.py --fast. If you trust the record, run the program with
        --allow-script.
    """
    record = load_record(file, roots=roots)
    record.refuse_faults()
    argv, rebuilt = recorded_arguments(record)
    program = recorded_program(record, argv, allow_script=allow_script)
    border = ReplayBorder(record.path, roots)
    for entry in record.output_entries():
        if entry.role == "audit":  # the record of a run that this one has started
            border.refuse_outside(f"The output {entry.name}", entry.path)
    finder = FileFinder(roots, progress, allows=border.allows)
    located: dict[FileEntry, Path] = {}
    for run in (record, *started_runs(record)):
        located |= _locate_inputs(run, finder, border)
    job = _Job(record, program, argv, rebuilt, located, border, announce)
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="moskit-replay-") as scratch:
            return _replay_in(Path(scratch).resolve(), job)
    folder = Path(keep).absolute()
    try:
        folder.mkdir(parents=True)
    except FileExistsError as error:
        raise InputError(
            "The folder to keep the replay in is there already",
            where=os.fspath(keep),
            fix="Choose a new folder",
            code="replay.folder-exists",
        ) from error
    return _replay_in(folder.resolve(), job, kept=True)


@dataclass(frozen=True)
class _Job:
    """What is run again, and what it may read."""

    record: Record
    program: ReplayProgram
    argv: Sequence[str]
    rebuilt: bool
    located: Mapping[FileEntry, Path]
    border: ReplayBorder
    announce: Callable[[Sequence[str]], None] | None

    def declared_paths(self) -> set[str]:
        """Return the absolute paths that the record names, and where its inputs are now."""
        runs = (self.record, *started_runs(self.record))
        entries = (e for run in runs for e in (*run.input_entries(), *run.output_entries()))
        paths = [entry.path for entry in entries]
        paths += [*self.located.values(), *(run.path for run in runs)]
        return {os.path.normpath(path) for path in paths}


def _replay_in(folder: Path, job: _Job, *, kept: bool = False) -> Replay:
    record, program, rebuilt = job.record, job.program, job.rebuilt
    typed = typed_paths(record)
    layout = lay_out(folder, record, typed, job.located, copy=program.script is not None)
    tokens = redirect_moved(job.argv, typed, job.located)
    command = [*program.command(), *tokens]
    if program.trusted:
        declared = job.declared_paths()
        job.border.refuse_undeclared_paths(tokens, layout.cwd, folder, declared)
    elif job.announce is not None:
        job.announce(command)
    _run(program, command, layout, job)
    again = _replayed_record(record, layout)
    outputs = list(_comparisons(record, again, folder))
    for started in started_runs(record):
        outputs += _comparisons(started, _replayed_record(started, layout), folder)
    return Replay(
        record=record.path,
        command=(program.name, *tokens),
        rebuilt=rebuilt,
        notes=tuple(_notes(record, again)),
        outputs=tuple(outputs),
        folder=folder if kept else None,
    )


def _locate_inputs(
    record: Record, finder: FileFinder, border: ReplayBorder
) -> dict[FileEntry, Path]:
    located = {}
    for entry in record.input_entries():
        if entry.digest is None:
            raise ReplayRefusedError(
                f"The record has no digest of the input {entry.name}, so a replay proves nothing",
                where=os.fspath(record.path),
                fix="Run it by hand, and compare the outputs with verify",
                code="replay.no-digest",
            )
        place = finder.locate(entry)
        if place is None:
            if os.path.lexists(entry.path):
                border.refuse_entry(entry, entry.path)
            found = finder.digest(entry.path)
            fix = "Restore it, or say with --root where its recorded bytes are"
            if found is None:
                raise ReplayRefusedError(
                    f"The input {entry.name} is missing",
                    where=os.fspath(entry.path),
                    fix=fix,
                    code="replay.input-missing",
                )
            raise ReplayRefusedError(
                f"The input {entry.name} has changed "
                f"(was {entry.digest.sha256}, is {found.sha256})",
                where=os.fspath(entry.path),
                fix=fix,
                code="replay.input-changed",
            )
        located[entry] = place
    return located


def _run(program: ReplayProgram, command: Sequence[str], layout: Layout, job: _Job) -> None:
    environment = {**os.environ, REPLAY_VARIABLE: os.fspath(layout.folder)}
    environment.pop(REPLAY_INPUTS_VARIABLE, None)
    # What was configured then is in the recorded arguments; what is configured now is not.
    environment[CONFIGURATION_VARIABLE] = "none"
    if program.trusted:
        environment[REPLAY_INPUTS_VARIABLE] = inputs_variable(job.located.values(), layout.folder)
    # A terminal that answers, or colours, would make the run another one.
    done = subprocess.run(
        command,
        cwd=layout.cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )
    if done.returncode in (0, 1):
        return
    said = done.stderr.decode("utf-8", "replace").strip().splitlines()
    complaint = said[-1].removeprefix("error: ").removesuffix(".") if said else "it said nothing"
    origin = (
        "The record is of a library call; the command line rebuilt from its options"
        if job.rebuilt
        else "The recorded command"
    )
    raise InputError(
        f"{origin} ended with exit code {done.returncode} ({complaint})",
        where=" ".join((program.name, *job.argv[:2])),
        fix="Run it with the version that made the record",
        code="replay.command-failed",
    )


def _replayed_record(record: Record, layout: Layout) -> Record:
    expected = layout.mirror(record.path)
    found = []
    # Every folder, also those that a search for records passes over: the original may be in one.
    for path in sorted(layout.folder.rglob("*.json")):
        if path in layout.placed:
            continue
        again = read_record(path)
        if again is not None and again.entrypoint == record.entrypoint:
            found.append(again)
    places = (expected, replay_target(record.path, layout.folder))
    found.sort(key=lambda again: (again.path not in places, again.path.name != record.path.name))
    if not found:
        raise InputError(
            "The recorded command ran and left no record",
            where=os.fspath(record.path),
            fix="Run it with the version that made the record",
            code="replay.no-record",
        )
    return found[0]


def _comparisons(record: Record, again: Record, folder: Path) -> Iterator[OutputComparison]:
    cuda = (record.block.get("args") or {}).get("device") == "cuda"
    for name, slot in record.outputs.items():
        recorded = entries_of(slot)
        replayed = entries_of(again.outputs.get(name))
        if not recorded:
            status: OutputStatus = "different" if replayed else "same"
            yield OutputComparison(name, status, None, _sha256(replayed[0]) if replayed else None)
        for position, entry in enumerate(recorded):
            if entry.role == "audit":
                continue  # it says where things are; what its run made is compared instead
            other = replayed[position] if position < len(replayed) else None
            yield _comparison(entry, other, folder, cuda=cuda)


def _comparison(
    entry: FileEntry, other: FileEntry | None, folder: Path, *, cuda: bool
) -> OutputComparison:
    recorded = _sha256(entry)
    if recorded is None:
        return OutputComparison(
            entry.name, "unrecorded", None, None if other is None else _sha256(other)
        )
    if other is None:
        return OutputComparison(entry.name, "missing", recorded, None)
    replayed = _sha256(other)
    if replayed == recorded:
        return OutputComparison(entry.name, "same", recorded, replayed)
    difference = _largest_difference(entry.path, replay_target(other.path, folder), recorded)
    return OutputComparison(
        entry.name, "close" if cuda else "different", recorded, replayed, difference
    )


def _largest_difference(original: Path, replayed: Path, recorded: str) -> float | None:
    if not (original.is_file() and replayed.is_file()):
        return None
    if hash_file(original).sha256 != recorded:
        return None  # it is not what was recorded any more
    suffix = original.suffix.removeprefix(".").lower()
    for point in entry_points(group=DIFFERENCE_GROUP, name=suffix):
        return float(point.load()(original, replayed))
    return None


def _sha256(entry: FileEntry) -> str | None:
    return None if entry.digest is None else entry.digest.sha256


def _notes(record: Record, again: Record) -> Iterator[str]:
    before, now = record.block.get("entrypoint") or {}, again.block.get("entrypoint") or {}
    if before.get("version") != now.get("version"):
        distribution = before.get("distribution")
        yield f"{distribution} was {before.get('version')} and is {now.get('version')}"
    elif before.get("sha256") != now.get("sha256"):
        yield f"the source of {before.get('path')} has changed since"
    then = {name: _digests(slot) for name, slot in record.inputs.items()}
    for name, slot in again.inputs.items():
        if name in then and then[name] != _digests(slot):
            yield f"the replay read other bytes as {name}"


def _digests(slot: Any) -> list[str | None]:
    return [_sha256(entry) for entry in entries_of(slot)]

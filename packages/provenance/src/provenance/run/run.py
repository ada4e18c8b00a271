"""A run: named inputs, staged outputs, and the record that ties them together."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from provenance.record.embedded import short_form
from provenance.run.description import RunDescription
from provenance.run.document import MANIFEST_SCHEMA, ExistingOutput, build_document, hash_outputs
from provenance.run.inputs import (
    Inputs,
    PathLike,
    Source,
    SourcePaths,
    hash_sources,
    open_slot,
    sources_of,
)
from provenance.run.objects.staging import stage_output, written_last
from provenance.run.places import Places, refuse_replaced
from provenance.run.placing import put_in_place, signals_deferred
from provenance.run.staging import StagedOutput, failed_output, output_error, written_place
from provenance.stores import as_path
from provenance.toolkit.canonical import document_bytes, json_value
from provenance.toolkit.errors import InputError
from provenance.toolkit.invocation import argv_of, is_dry_run
from provenance.toolkit.process.interruption import begin_work, refuse_interrupted
from provenance.toolkit.redaction import redact_args

if TYPE_CHECKING:
    from provenance.documents import ShortDocument
    from provenance.record.hashing import Digest
    from provenance.toolkit import ProgressCallback


class Run:
    """A run in progress; made by :func:`start_run`.

    Attributes:
        description: What runs, and what it was told.
        document: The finished record as a JSON object, after the run has ended; empty before.
    """

    def __init__(
        self,
        description: RunDescription,
        inputs: Mapping[str, SourcePaths],
        progress: ProgressCallback | None,
    ) -> None:
        self.description = description
        self.document: dict[str, Any] = {}
        self._progress = progress
        self._inputs = Inputs(inputs, progress)
        self._existing: dict[str, ExistingOutput] = {}
        self._outputs: dict[str, StagedOutput] = {}
        self._withdrawn: dict[str, StagedOutput] = {}
        self._record: StagedOutput | None = None
        self._record_document: Mapping[str, Any] = {}
        self._places = Places()
        self._flags: set[str] = set()
        for name, slot in self._inputs.slots.items():
            for source in sources_of(slot):
                self._places.add_input(name, description.input_words(name), source.path)

    # Inputs

    def set_input_digest(self, name: str, path: PathLike, digest: Digest) -> None:
        """Pass on the digest of an input's file that was taken while the file was read.

        Args:
            name: The input's name.
            path: The file: the input itself, one of its list, or a file in an input directory.
            digest: The digest of all of the file's bytes.

        Raises:
            ValueError: The run has no such input.
        """
        self._inputs.set_digest(name, as_path(path), digest)

    def input_digest(self, name: str, path: PathLike | None = None) -> Digest:
        """Return the digest of an input; hash its file if that was not done yet.

        Raises:
            InputError: The file is unreadable, or has changed since the run started.
            ValueError: The run has no such input.
        """
        return self._inputs.digest(name, None if path is None else as_path(path))

    def short_record(
        self,
        args: Mapping[str, Any] | None = None,
        *,
        digests: Mapping[str, Digest | Sequence[Digest] | None] | None = None,
    ) -> ShortDocument:
        """Return the short form of the record, to be embedded in an artefact.

        It holds the schema, distribution and version, the arguments that shape the content, and
        the inputs by name and digest; no paths, no argv, no outputs. Equal content gives equal
        bytes wherever it is made.

        Args:
            args: The arguments that shape the content.
            digests: Digests to use for inputs of these names instead of their own; for an artefact
                that depends on a part of an input only. Such inputs are not hashed here.

        Raises:
            InputError: An input is unreadable, or has changed since the run started.
        """
        named = self._inputs.content(digests or {})
        shaping = redact_args(json_value(dict(args or {})))
        return short_form(self.description.distribution, shaping, named)

    # What other runs that this one starts read and write

    def foresee_input(self, what: str, path: PathLike) -> None:
        """State a file that a run started by this one will read: no output takes its place.

        Args:
            what: What it is, in words for people: ``the labels of table 'a'``.
            path: A file or directory; it need not exist.

        Raises:
            InputError: It is an output of this run.
        """
        self._places.add_input(what, what, path)

    def foresee_output(self, what: str, path: PathLike, *, replaces: Collection[str] = ()) -> None:
        """State a file that a run started by this one will write, before anything is written.

        Args:
            what: What it is, in words for people: ``the output of table 'a'``.
            path: Where it will be.
            replaces: What was said to :meth:`foresee_input` of inputs that it may be.

        Raises:
            InputError: It would take the place of an input or of another output.
        """
        self._places.add_output(what, what, path, replaces=replaces)

    # Outputs

    def stage(
        self,
        name: str,
        destination: PathLike,
        *,
        kind: str = "file",
        directory: bool = False,
        replaces: str | None = None,
    ) -> StagedOutput:
        """Open an output: a temporary beside ``destination`` that appears there when the run ends.

        Missing folders are made. Where ``destination`` is a symbolic link, the file that it points
        to is replaced and the link stays.

        Args:
            name: The output's name in the record; the option's name in snake_case.
            destination: Where the output will be.
            kind: What the output is to its reader, e.g. ``feature-table``; the entry's ``role``.
            directory: Make a directory of parts. An existing one is replaced as a whole, and only
                where the new one has all of its files.
            replaces: The only input that the output may be where the run is in place; any input by
                default.

        Raises:
            InputError: The output is an input of this run and the run is not in place, it is
                another output, or something that is no file is in its place.
            OutputError: The folder cannot be written to, or another run is writing this output.
            ValueError: The run has an output of this name already.
        """
        begin_work()
        if name in self._outputs:
            raise ValueError(f"the run has an output named {name} already")
        if not os.fspath(destination):
            raise InputError(
                f"The path of the output {name} is empty",
                fix=f"Give --{name.replace('_', '-')} a file",
                code="output.empty-path",
            )
        target = as_path(destination)
        replaceable = self._inputs.slots if replaces is None else (replaces,)
        self._claim(name, target, replaces=replaceable if self.description.in_place else ())
        # An interrupt in between would leave a temporary that no run knows of.
        with signals_deferred():
            self._outputs[name] = stage_output(name, target, role=kind, directory=directory)
        self._withdrawn.pop(name, None)
        return self._outputs[name]

    def describe(self, name: str, paths: SourcePaths, *, kind: str = "file") -> None:
        """Record outputs that something else has written (no dry run): hashed, not staged.

        Args:
            name: The outputs' name in the record.
            paths: A path, several, or None for an absent optional.
            kind: What the outputs are to their reader; ``audit`` for the records of runs that this
                run has started, which ``replay`` then includes.

        Raises:
            InputError: One is missing or unreadable.
            ValueError: The run has an output of this name already.
        """
        if name in self._outputs or name in self._existing:
            raise ValueError(f"the run has an output named {name} already")
        slot = open_slot(name, None if is_dry_run() else paths, place=written_place)
        staged = [(output.name, output.destination) for output in self._staged()]
        refuse_replaced(name, [source.path for source in sources_of(slot)], staged)
        self._existing[name] = ExistingOutput(slot, None if kind == "file" else kind)

    def withdraw(self, name: str) -> None:
        """Drop an output that failed its policy; the record says null for it.

        Raises:
            ValueError: The run has no such output.
        """
        if name not in self._outputs:
            raise ValueError(f"the run has no output named {name}")
        self._withdrawn[name] = self._outputs[name]
        self._withdrawn[name].discard()
        del self._outputs[name]

    def record(
        self,
        path: PathLike,
        document: Mapping[str, Any] | None = None,
        *,
        kind: str = "manifest",
    ) -> None:
        """Choose the JSON document that carries this run's record, and its place.

        It is written last and gains ``run_provenance`` and ``content_sha256``. Without this call
        the record is beside the first output, as ``<output>.audit.json``.

        Args:
            path: Where the document will be.
            document: A JSON object with a ``schema`` id.
            kind: What the document is to its reader: ``audit``, ``manifest``, ``report``.

        Raises:
            InputError: The record is an input or another output of this run.
            OutputError: The folder cannot be written to.
            ValueError: The run has a record already.
        """
        if self._record is not None:
            raise ValueError("the run has a record already")
        target = as_path(path)
        self._claim("record", target)
        with signals_deferred():
            self._record = stage_output("record", target, role=kind)
        self._record_document = document if document is not None else {"schema": MANIFEST_SCHEMA}

    # Life

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            try:
                self._finish()
            except OSError as failure:
                failed = failed_output(failure, self._staged())
                self._abandon()
                if failed is None:
                    raise
                raise output_error(failed.destination, failure) from failure
            except BaseException:
                self._abandon()
                raise
            return
        failed = failed_output(error, self._staged()) if isinstance(error, OSError) else None
        self._abandon()
        if failed is not None:
            assert isinstance(error, OSError)
            raise output_error(failed.destination, error) from error

    def _finish(self) -> None:
        begin_work()
        if self._record is None and not self._outputs and not self._withdrawn:
            return
        if self._record is None:
            first = next(iter((self._outputs or self._withdrawn).values()))
            self.record(f"{os.fspath(first.destination)}.audit.json")
        assert self._record is not None
        hash_sources(self._all_sources(), self._progress)
        hash_outputs(self._outputs.values(), self._progress)
        for output in self._outputs.values():
            output.prepare()
            output.flush()
        record = written_last(self._record, self._outputs.values(), self._write_record)
        for source in self._all_sources():
            source.refuse_change()
        refuse_interrupted()
        with signals_deferred() as arrived:
            put_in_place([*self._outputs.values(), record], arrived)

    def _write_record(self) -> None:
        assert self._record is not None
        self.document = build_document(
            self._record_document,
            self.description,
            inputs=self._inputs.slots,
            staged=self._outputs,
            existing=self._existing,
            withdrawn=self._withdrawn,
            folder=self._record.destination.absolute().parent,
        )
        self._record.path.write_bytes(document_bytes(self.document))
        self._record.flush()

    def _abandon(self) -> None:
        self.document = {}
        with signals_deferred():
            for output in reversed(self._staged()):  # who made a folder goes last
                with suppress(OSError):
                    output.discard()

    def _staged(self) -> list[StagedOutput]:
        return [*self._outputs.values(), *([self._record] if self._record else [])]

    def _all_sources(self) -> list[Source]:
        existing = [source for each in self._existing.values() for source in sources_of(each.slot)]
        return [*self._inputs.sources(), *existing]

    def _claim(self, name: str, target: Path, *, replaces: Collection[str] = ()) -> None:
        """Refuse an output that would replace an input or another output.

        Raises:
            InputError: It is one of them.
        """
        flag = self.description.output_flag(
            name, target, inputs=self._inputs.slots, taken=self._flags
        )
        known = "the record" if name == "record" else f"the output {name}"
        offered = self.description.in_place is False and name != "record"
        self._places.add_output(
            name,
            known if flag is None else f"{known} ({flag})",
            target,
            replaces=replaces,
            advice="allow it with --in-place" if offered else None,
        )
        if flag is not None:
            self._flags.add(flag)


def start_run(
    entrypoint: str,
    *,
    inputs: Mapping[str, SourcePaths],
    args: Mapping[str, Any] | None = None,
    argv: Sequence[str] | None = None,
    distribution: str | None = None,
    module: str | None = None,
    shared_trainer: str | None = None,
    in_place: bool | None = None,
    progress: ProgressCallback | None = None,
) -> Run:
    """Start a run; use it as a context manager.

    When its block ends without an exception, all staged outputs are hashed, flushed to the disk
    and renamed into place, the record last. When it ends with one, or with a signal that raises,
    nothing appears.

    Args:
        entrypoint: What runs: the command (``labeljoin join``), or a script's path.
        inputs: The files and directories that are read, by the name of their option in
            snake_case. Lists stay lists; an absent optional is None.
        args: Normalised options by snake_case name, paths as given.
        argv: The command-line arguments. By default those of this process where it is the
            command ``entrypoint``, else none.
        distribution: The distribution that runs, e.g. ``moskit-labeljoin``.
        module: The module whose source the record digests, e.g.
            ``labeljoin.joining.on_disk``; by default ``entrypoint`` where that is a file.
        shared_trainer: The module that a command delegates to, where it does.
        in_place: Allow outputs that are inputs; None, as False, where the command has no
            ``--in-place`` to advise.
        progress: Called while inputs and outputs are hashed.

    Raises:
        InputError: An input is missing, unreadable, or neither a file nor a directory.

    Example:
        >>> from pathlib import Path
        >>> _ = Path("labels.csv").write_text("clip,mos")
        >>> with start_run("clean.py", inputs={"labels": "labels.csv"}) as run:
        ...     out = run.stage("out", "clean.csv")
        ...     _ = Path(out).write_text("clip,mos")
        >>> run.document["run_provenance"]["outputs"]["out"]["bytes"]
        8
        >>> sorted(path.name for path in Path().iterdir())
        ['clean.csv', 'clean.csv.audit.json', 'labels.csv']
    """
    begin_work()
    description = RunDescription(
        entrypoint,
        args=dict(args or {}),
        argv=list(argv) if argv is not None else argv_of(entrypoint),
        distribution=distribution,
        module=module,
        shared_trainer=shared_trainer,
        in_place=in_place,
    )
    return Run(description, inputs, progress)

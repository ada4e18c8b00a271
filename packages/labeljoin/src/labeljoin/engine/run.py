"""Attaching columns inside a run: staged, hashed while copied, and with the record embedded."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provenance.record import short_record_bytes
from provenance.run import StagedObject
from provenance.stores import ObjectPath, as_path, origin_of
from provenance.toolkit import InputError, OutputError

from labeljoin.engine.attaching import attach
from labeljoin.formats.opening import open_table
from labeljoin.formats.registry import promised_format

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from concurrent.futures import Executor

    import pyarrow as pa
    from provenance import Run
    from provenance.record import Digest
    from provenance.run import StagedOutput
    from provenance.toolkit import ProgressCallback

    from labeljoin.engine.attaching import AttachReport
    from labeljoin.formats.base import ColumnsForKeys, FirstPass
    from labeljoin.formats.table import Table


def stage_table(
    run: Run,
    table: Table,
    out: str | os.PathLike[str],
    *,
    name: str = "out",
    source: str = "features",
) -> StagedOutput:
    r"""Stage the output of :func:`attach_in_run`: a file, or a directory for a directory of parts.

    Args:
        run: The run.
        table: The table that gets columns.
        out: Where the result will be.
        name: The output's name in the record.
        source: The name of the table among the run's inputs: all that a run in place replaces.

    Raises:
        InputError: The name of ``out`` promises another format than that of ``table``; or a
            directory would be written in place; or ``out`` is an input of the run.
        OutputError: The folder cannot be written to.

    Examples:
        >>> from provenance import start_run
        >>> _ = Path("f.csv").write_text("clip\nabc\n")
        >>> with start_run("copy.py", inputs={"features": "f.csv"}) as run:
        ...     staged = stage_table(run, open_table("f.csv"), "o.csv")
        ...     _ = staged.path.write_bytes(Path("f.csv").read_bytes())
        ...     run.record("o.json")
        >>> Path("o.csv").exists()
        True
    """
    target = as_path(out)
    _refuse_format(table, target)
    directory = table.path.is_dir()
    if directory and target.exists() and target.samefile(table.path):
        raise InputError(
            "a directory of parts is never written in place",
            where=os.fspath(out),
            fix="Give --out a new directory",
            code="engine.directory-in-place",
        )
    return run.stage(name, out, kind="feature-table", directory=directory, replaces=source)


def attach_in_run(
    run: Run,
    table: Table,
    staged: StagedOutput,
    key: str,
    columns: ColumnsForKeys,
    *,
    shaping: Mapping[str, Any],
    metadata: Mapping[str, str] | None = None,
    replace: Collection[str] = (),
    keep: Callable[[pa.Array], pa.BooleanArray] | None = None,
    source: str = "features",
    first_pass: FirstPass | None = None,
    executor: Executor | None = None,
    progress: ProgressCallback | None = None,
) -> AttachReport:
    r"""Attach columns to an input of a run, and tell the run what was hashed on the way.

    The short record that parquet carries names the input by the digest of the part itself.

    Args:
        run: The run.
        table: The table, an input of the run.
        staged: What :func:`stage_table` gave.
        key: The column whose values choose the new ones.
        columns: Computes the new columns.
        shaping: The options that shape the content, for the embedded record.
        metadata: As for :func:`labeljoin.attach`.
        replace: As for :func:`labeljoin.attach`.
        keep: As for :func:`labeljoin.attach`.
        source: The name of the input in the run.
        first_pass: As for :func:`labeljoin.attach`.
        executor: As for :func:`labeljoin.attach`.
        progress: Called as parts are finished.

    Raises:
        InputError: The table is unusable.
        OutputError: The output cannot be written.

    Examples:
        >>> import pyarrow as pa
        >>> from provenance import start_run
        >>> class Length:
        ...     schema = pa.schema([("length", pa.int64())])
        ...
        ...     def __call__(self, values):
        ...         lengths = [len(value) for value in values.to_pylist()]
        ...         return pa.record_batch([pa.array(lengths)], schema=self.schema)
        >>> _ = Path("f.csv").write_text("clip\nabc\n")
        >>> table = open_table("f.csv")
        >>> with start_run("lengths.py", inputs={"features": "f.csv"}) as run:
        ...     staged = stage_table(run, table, "o.csv")
        ...     report = attach_in_run(run, table, staged, "clip", Length(), shaping={})
        ...     run.record("o.json")
        >>> Path("o.csv").read_text()
        'clip,length\nabc,3\n'
    """
    template = run.short_record(shaping, digests={source: None})
    # Workers elsewhere start in folders of their own.
    absolute = open_table(table.path.absolute()) if staged.directory else table
    composing = isinstance(staged, StagedObject) and staged.can_compose(table.path)
    try:
        report = attach(
            absolute,
            staged,
            key,
            columns,
            replace=replace,
            keep=keep,
            embed=_Embedding(template, source),
            metadata=metadata,
            front=not composing,
            first_pass=first_pass,
            executor=executor,
            progress=progress,
        )
    except OutputError as error:
        if error.where is not None:  # people know the output by its own name
            error.where = error.where.replace(os.fspath(staged), os.fspath(staged.destination))
        raise
    if composing:
        report = _composed(report, staged)
    for part in report.parts:
        name = part.destination if staged.directory else None
        origin = table.path / part.source.name if staged.directory else origin_of(part.source)
        if part.source_digest is not None:
            run.set_input_digest(source, origin, part.source_digest)
        if part.digest is not None:
            staged.set_digest(part.digest, part=name)
        if part.prefix_size:
            staged.claim_prefix(
                input=source,
                path=origin,
                size=part.prefix_size,
                sha256=part.prefix_sha256,
                part=name,
            )
    return report


def _composed(report: AttachReport, staged: StagedOutput) -> AttachReport:
    """Let the store put the front of a spliced table in its place, and say how it was done."""
    part = report.parts[0]
    assert isinstance(staged, StagedObject)
    if not part.prefix_size:
        return report
    assert isinstance(part.source, ObjectPath)
    done = staged.compose(part.source, part.prefix_size)
    if done.reason is None:
        return report
    part = dataclasses.replace(part, source_digest=done.digest)
    return dataclasses.replace(
        report, engine="parquet-splice-streamed", reason=done.reason, parts=(part,)
    )


def withhold_table(
    run: Run,
    table: Table,
    first_pass: FirstPass,
    *,
    name: str = "out",
    source: str = "features",
) -> None:
    r"""Leave out what :func:`stage_table` staged, and tell the run what was hashed on the way.

    Args:
        run: The run.
        table: The table, an input of the run.
        first_pass: The first pass over it.
        name: The output's name in the record.
        source: The name of the input in the run.

    Examples:
        >>> from labeljoin.engine import first_pass
        >>> from provenance import start_run
        >>> _ = Path("f.csv").write_text("clip\nabc\n")
        >>> table = open_table("f.csv")
        >>> run = start_run("try.py", inputs={"features": "f.csv"})
        >>> with run, first_pass(table) as reading:
        ...     _ = stage_table(run, table, "o.csv")
        ...     withhold_table(run, table, reading)
        ...     run.record("o.json")
        >>> Path("o.csv").exists()
        False
    """
    run.withdraw(name)
    if (digest := first_pass.digest()) is not None:
        run.set_input_digest(source, origin_of(table.path), digest)


@dataclass(frozen=True)
class _Embedding:
    """The short record of one part, from the digest of its source; it pickles."""

    template: Mapping[str, Any]
    source: str

    def __call__(self, digest: Digest | None) -> bytes:
        inputs = {**self.template["inputs"], self.source: digest and digest.sha256}
        return short_record_bytes({**self.template, "inputs": inputs})


def _refuse_format(table: Table, out: Path) -> None:
    suffix, own = out.suffix.lower(), table.path.suffix.lower()
    promised = promised_format(suffix)
    if promised in (None, table.format) or suffix == own or table.path.is_dir():
        return
    raise InputError(
        f"the name promises {promised}, and a table keeps the format that it has, {table.format}",
        where=os.fspath(out),
        fix=f"Give --out the suffix {table.path.suffix or '.' + table.format}",
        code="engine.wrong-suffix",
    )

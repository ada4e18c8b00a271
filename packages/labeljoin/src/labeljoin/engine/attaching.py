"""The attach engine: add columns to a table, by its key column, and change nothing else."""

from __future__ import annotations

import dataclasses
import os
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from provenance.toolkit import InputError, OutputError

from labeljoin.engine.executors import run_all
from labeljoin.formats.base import (
    Attachment,
    ColumnsForKeys,
    FirstPass,
    PartReport,
    changed_error,
    collision_error,
)
from labeljoin.formats.opening import open_table
from labeljoin.formats.registry import format_named
from labeljoin.formats.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from concurrent.futures import Executor

    import pyarrow as pa
    from provenance.record import Digest
    from provenance.toolkit import ProgressCallback


UNFINISHED_PREFIX = ".moskit-part-"
"""How the names of parts begin until they are finished; no table counts them among its parts."""


@dataclass(frozen=True)
class AttachReport:
    """What :func:`attach` did.

    Attributes:
        engine: The engine of the parts, joined by ``+`` where they differ.
        reason: Why parquet was rewritten and not spliced, where it was.
    """

    engine: str
    reason: str | None
    rows_in: int
    rows_out: int
    parts: tuple[PartReport, ...]


def attach(
    source: str | os.PathLike[str] | Table,
    destination: str | os.PathLike[str],
    key: str,
    columns_for_keys: ColumnsForKeys,
    *,
    replace: Collection[str] = (),
    keep: Callable[[pa.Array], pa.BooleanArray] | None = None,
    embed: Callable[[Digest | None], bytes] | None = None,
    metadata: Mapping[str, str] | None = None,
    digests: bool = True,
    front: bool = True,
    first_pass: FirstPass | None = None,
    executor: Executor | None = None,
    progress: ProgressCallback | None = None,
) -> AttachReport:
    r"""Write ``source`` with more columns to ``destination``.

    Only the key column is read. The rows keep their order and every other column its bytes; in
    parquet its column chunks, in JSONL and CSV its text. A destination that could not be
    finished is removed; it is not atomic by itself: give a staged path of
    :func:`provenance.start_run` for that.

    Args:
        source: A table file, or a directory of parts.
        destination: The file to write, replaced where it exists; for a directory of parts a
            directory, which gets files of the same names.
        key: The column whose values choose the new ones.
        columns_for_keys: Computes the new columns from key values, some rows at a time.
        replace: Columns to leave out of the source's; a new column may have their names.
        keep: Returns which rows to keep, from their key values; all by default.
        embed: The run record to embed in parquet metadata, from the digest of the source file;
            from None if nothing reads all of it.
        metadata: More key-value metadata for parquet files.
        digests: Hash source and destination while copying.
        front: Write the bytes at the beginning of a parquet file that its source has too. Else
            leave a hole there, which a store fills.
        first_pass: The first pass over the same table, not yet closed; what it kept is not read
            again.
        executor: Where parts are processed; here, one after the other, by default.
        progress: Called with the rows of finished parts.

    Raises:
        InputError: The key column does not exist, the table already has columns of the new
            names, or it cannot be read.
        OutputError: The destination cannot be written.

    Examples:
        >>> from pathlib import Path
        >>> import pyarrow as pa
        >>> class Length:
        ...     schema = pa.schema([("length", pa.int64())])
        ...
        ...     def __call__(self, values):
        ...         lengths = [len(value) for value in values.to_pylist()]
        ...         return pa.record_batch([pa.array(lengths)], schema=self.schema)
        >>> _ = Path("f.csv").write_text("clip,motion\nabc,0.5\n")
        >>> attach("f.csv", "o.csv", "clip", Length()).engine
        'csv-rewrite'
        >>> Path("o.csv").read_text()
        'clip,motion,length\nabc,0.5,3\n'
    """
    table = source if isinstance(source, Table) else open_table(source)
    try:
        table.require([key])
        for part in table.parts:
            table.require_in(part, key)
        _refuse_collisions(table, columns_for_keys.schema.names, replace)
    except OSError as error:
        raise _unreadable(table.path, error) from error
    target = Path(os.fspath(destination))
    directory = table.path.is_dir()
    if directory:
        _make_directory(target)
    tasks = [
        Attachment(
            source=part,
            destination=target / part.name if directory else target,
            format=table.format,
            key=key,
            columns_for_keys=columns_for_keys,
            replace=frozenset(replace),
            keep=keep,
            embed=embed,
            metadata=dict(metadata or {}),
            digests=digests,
            front=front,
            shared=directory,
            first_pass=None if directory else first_pass,
        )
        for part in table.parts
    ]
    reports = _all_parts(tasks, executor, progress)
    if directory:
        for unfinished in target.glob(f"{UNFINISHED_PREFIX}*"):
            unfinished.unlink(missing_ok=True)
    return _summary(reports)


def attach_part(task: Attachment) -> PartReport:
    """Attach columns to one file with the engine of its format."""
    written = task.destination
    if task.shared:
        # Where a cluster lost a worker and runs its part again, the lost one may write on.
        written = written.with_name(f"{UNFINISHED_PREFIX}{uuid.uuid4().hex}-{written.name}")
    try:
        before = (task.first_pass and task.first_pass.status) or task.source.stat()
        report = format_named(task.format).attach(dataclasses.replace(task, destination=written))
        _refuse_changed(task.source, before)
        if written != task.destination:
            written.replace(task.destination)
    except OSError as error:
        written.unlink(missing_ok=True)
        raise _file_error(task, error) from error
    except BaseException:
        written.unlink(missing_ok=True)
        raise
    return dataclasses.replace(report, destination=task.destination)


def _file_error(task: Attachment, error: OSError) -> InputError | OutputError:
    """What to say of a file that the system refuses: the source where it is the source."""
    if error.filename == os.fspath(task.source) or not task.source.exists():
        return _unreadable(task.source, error)
    return OutputError(
        f"the output cannot be written ({error.strerror or error})",
        where=str(task.destination),
        fix="Make room, or choose another place",
        code="engine.cannot-write",
    )


def _unreadable(path: Path, error: OSError) -> InputError:
    return InputError(
        f"the table cannot be read ({error.strerror or error})",
        where=str(path),
        fix="Put it back, make it readable, or name another",
        code="engine.source-unreadable",
    )


def _refuse_collisions(table: Table, added: Collection[str], replace: Collection[str]) -> None:
    if table.names_in_rows:
        return  # the engine checks every row; reading all of them first would double the work
    names = set(table.column_names)
    collisions = [name for name in added if name in names and name not in replace]
    if collisions:
        raise collision_error(collisions, str(table.path))


def _all_parts(
    tasks: list[Attachment], executor: Executor | None, progress: ProgressCallback | None
) -> list[PartReport]:
    reports: dict[int, PartReport] = {}
    for number, report in run_all(executor, attach_part, tasks):
        reports[number] = report
        if progress:
            progress("attach", len(reports), len(tasks))
    return [report for _, report in sorted(reports.items())]


def _summary(parts: list[PartReport]) -> AttachReport:
    reasons = dict.fromkeys(part.reason for part in parts if part.reason)
    return AttachReport(
        engine="+".join(sorted({part.engine for part in parts})),
        reason="; ".join(reasons) or None,
        rows_in=sum(part.rows_in for part in parts),
        rows_out=sum(part.rows_out for part in parts),
        parts=tuple(parts),
    )


def _make_directory(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"the directory cannot be made ({error.strerror})",
            where=str(path),
            fix="Choose another place",
            code="engine.cannot-make-directory",
        ) from error


def _refuse_changed(path: Path, before: os.stat_result) -> None:
    """Raise an InputError where a file is not as ``before`` has it."""
    after = path.stat()
    if any(
        getattr(before, name) != getattr(after, name)
        for name in ("st_ino", "st_size", "st_mtime_ns")
    ):
        raise changed_error(str(path))

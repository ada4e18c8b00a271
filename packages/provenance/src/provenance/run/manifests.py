"""Sidecars for files that exist already: one envelope, named sections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from provenance.record.block import BLOCK_MEMBER
from provenance.run.document import MANIFEST_SCHEMA
from provenance.run.run import start_run
from provenance.toolkit.canonical import CONTENT_MEMBER

if TYPE_CHECKING:
    from provenance.run.inputs import PathLike, SourcePaths


def write_manifest(
    path: PathLike,
    *,
    entrypoint: str,
    inputs: Mapping[str, SourcePaths],
    outputs: Mapping[str, SourcePaths],
    args: Mapping[str, Any] | None = None,
    argv: Sequence[str] | None = None,
    sections: Mapping[str, Any] | None = None,
    schema: str = MANIFEST_SCHEMA,
    distribution: str | None = None,
    module: str | None = None,
) -> dict[str, Any]:
    """Write a one-off sidecar for outputs that exist already: one envelope, named sections.

    Args:
        path: Where the manifest will be.
        entrypoint: What ran.
        inputs: As for :func:`start_run`.
        outputs: Files and directories that the run has made; lists stay lists, absent is None.
        args: Normalised options.
        argv: The command-line arguments.
        sections: What the script has to say, by section; e.g. ``{"counts": {"rows": 1200}}``.
        schema: The document's schema id.
        distribution: The distribution that ran.
        module: The module whose source the record digests.

    Returns:
        The document as written.

    Raises:
        InputError: An input or output is missing or unreadable.
        OutputError: The manifest cannot be written.
        ValueError: A section has a name of the envelope.

    Example:
        >>> from pathlib import Path
        >>> _ = Path("in.csv").write_text("1")
        >>> _ = Path("out.csv").write_text("2")
        >>> files = {"inputs": {"table": "in.csv"}, "outputs": {"out": "out.csv"}}
        >>> document = write_manifest("out.json", entrypoint="job.py", **files)
        >>> sorted(document)
        ['content_sha256', 'run_provenance', 'schema']
    """
    taken = {"schema", BLOCK_MEMBER, CONTENT_MEMBER} & set(sections or {})
    if taken:
        raise ValueError(f"{sorted(taken)[0]} is a name of the envelope and no section's")
    run = start_run(
        entrypoint,
        inputs=inputs,
        args=args,
        argv=argv,
        distribution=distribution,
        module=module,
    )
    with run:
        run.record(path, {"schema": schema, **(sections or {})})
        for name, paths in outputs.items():
            run.describe(name, paths)
    return run.document

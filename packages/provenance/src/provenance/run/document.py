"""The document that a run writes: the caller's own members, and the record."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provenance.record.block import BLOCK_MEMBER, build_block
from provenance.record.entry import new_entry
from provenance.record.hashing import hash_directory, hash_files
from provenance.run.inputs import Slot, Source, map_slot
from provenance.run.objects.staging import StagedObject
from provenance.toolkit.canonical import CONTENT_MEMBER, content_digest, json_value

if TYPE_CHECKING:
    from provenance.documents import EntryDocument
    from provenance.run.description import RunDescription
    from provenance.run.staging import StagedOutput
    from provenance.toolkit import ProgressCallback

MANIFEST_SCHEMA = "run-manifest-v1"
"""Schema id of a record whose caller gave no document of its own."""


@dataclass(frozen=True)
class ExistingOutput:
    """Outputs of one name that something else has written.

    Attributes:
        slot: The files and directories.
        role: What they are to their reader, or None.
    """

    slot: Slot
    role: str | None


def hash_outputs(outputs: Collection[StagedOutput], progress: ProgressCallback | None) -> None:
    """Digest those staged outputs that were not digested while they were written.

    Args:
        outputs: The outputs, written and not yet in their places.
        progress: Called while they are hashed.

    Raises:
        RuntimeError: One was never written, or has another size than its digest says.
    """
    for output in outputs:
        if not output.path.exists():
            raise RuntimeError(f"the output {output.name} was staged and never written")
        if output.directory:
            output.digest = hash_directory(
                output.path, known=output.part_digests, progress=progress
            )
    plain = [
        output
        for output in outputs
        if not (output.directory or (isinstance(output, StagedObject) and output.composed))
    ]
    for output in plain:
        size = output.path.stat().st_size
        if output.digest is not None and output.digest.size != size:
            raise RuntimeError(
                f"the output {output.name} has {size} bytes, "
                f"and its digest was taken over {output.digest.size}"
            )
    fresh = [output for output in plain if output.digest is None]
    digests = hash_files([output.path for output in fresh], progress=progress)
    for output, digest in zip(fresh, digests, strict=True):
        output.digest = digest


def build_document(
    own: Mapping[str, Any],
    description: RunDescription,
    *,
    inputs: Mapping[str, Slot],
    staged: Mapping[str, StagedOutput],
    existing: Mapping[str, ExistingOutput],
    withdrawn: Collection[str],
    folder: Path,
) -> dict[str, Any]:
    """Return the document of a run as a JSON object, its files' digests known.

    Args:
        own: The caller's members.
        description: What ran.
        inputs: The inputs by name.
        staged: The outputs that the run puts in their places, by name.
        existing: The outputs that exist already, by name.
        withdrawn: The names of outputs that are not made.
        folder: The folder of the document, which relative paths start from.
    """
    document: dict[str, Any] = json_value(dict(own))
    document.pop(CONTENT_MEMBER, None)
    outputs: dict[str, Any] = dict.fromkeys(withdrawn)
    for name, output in existing.items():
        outputs[name] = map_slot(output.slot, partial(_entry, folder=folder, role=output.role))
    for name, made in staged.items():
        outputs[name] = _staged_entry(name, made, folder)
    document[BLOCK_MEMBER] = build_block(
        entrypoint=description.entrypoint,
        distribution=description.distribution,
        module=description.module,
        shared_trainer=description.shared_trainer,
        argv=description.argv,
        args=description.args,
        inputs={
            name: map_slot(slot, partial(_entry, folder=folder)) for name, slot in inputs.items()
        },
        outputs=outputs,
        folder=folder,
    )
    document[CONTENT_MEMBER] = content_digest(document)
    return document


def _entry(source: Source, folder: Path, role: str | None = None) -> EntryDocument:
    entry = new_entry(
        source.name,
        source.path,
        source.digest,
        folder,
        role=role,
        directory=source.directory,
        objects=source.objects,
    )
    return entry.to_document(folder)


def _staged_entry(name: str, output: StagedOutput, folder: Path) -> EntryDocument:
    entry = new_entry(
        name,
        output.destination,
        output.digest,
        folder,
        role=None if output.role == "file" else output.role,
        prefixes=output.prefixes,
        objects=output.objects if isinstance(output, StagedObject) else {},
    )
    return entry.to_document(folder)

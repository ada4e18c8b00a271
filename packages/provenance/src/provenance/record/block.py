"""The ADR-0661 ``run_provenance`` block: what it holds and how paths are written in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from provenance.record.entry import exact_bytes, relative_path
from provenance.record.hashing import hash_file
from provenance.toolkit.canonical import json_value, text
from provenance.toolkit.redaction import redact_args, redact_argv

if TYPE_CHECKING:
    from provenance.documents import BlockDocument, EntrypointDocument, ModuleDocument, SlotDocument

BLOCK_MEMBER = "run_provenance"
BLOCK_SCHEMA: Literal["ai-run-provenance-v1"] = "ai-run-provenance-v1"


def build_block(
    *,
    entrypoint: str,
    distribution: str | None,
    module: str | None,
    shared_trainer: str | None,
    argv: Sequence[str],
    args: Mapping[str, Any],
    inputs: Mapping[str, SlotDocument],
    outputs: Mapping[str, SlotDocument],
    folder: Path,
) -> BlockDocument:
    """Return the block of one run; the same run gives the same block, on any clock and host.

    Args:
        entrypoint: What ran: a command, or a script's path.
        distribution: Its distribution, or None.
        module: Its module, or None where ``entrypoint`` is a file.
        shared_trainer: The module that it delegated to, or None.
        argv: Command-line arguments.
        args: Normalised options.
        inputs: File entries by name.
        outputs: File entries by name.
        folder: The folder of the record.
    """
    redacted = redact_argv(argv)
    block: BlockDocument = {
        "schema": BLOCK_SCHEMA,
        "entrypoint": _entrypoint(entrypoint, distribution, module, folder),
        "argv": [text(token) for token in redacted],
        "args": json_value(redact_args(dict(sorted(args.items())))),
        "inputs": dict(inputs),
        "outputs": dict(outputs),
    }
    if shared_trainer is not None:
        block["shared_trainer"] = _module_source(shared_trainer)
    exact = {
        str(position): exact_bytes(token)
        for position, token in enumerate(redacted)
        if text(token) != token
    }
    if exact:
        block["argv_base64"] = exact
    return block


def _entrypoint(
    entrypoint: str, distribution: str | None, module: str | None, folder: Path
) -> EntrypointDocument:
    if module is not None:
        return {"name": entrypoint, **_module_source(module, distribution)}
    script = Path(entrypoint)
    is_file = script.is_file()
    return {
        "name": script.name if is_file else entrypoint,
        "path": text(relative_path(script, folder)) if is_file else None,
        "sha256": hash_file(script).sha256 if is_file else None,
        "distribution": distribution,
        "version": _version(distribution),
    }


def _module_source(module: str, distribution: str | None = None) -> ModuleDocument:
    """Return a module's source: its path in the distribution is the same on every machine."""
    spec = find_spec(module)
    origin = None if spec is None or spec.origin is None else Path(spec.origin)
    known = origin is not None and origin.is_file()
    assert origin is not None or not known
    depth = module.count(".") + (2 if known and origin and origin.stem == "__init__" else 1)
    name = distribution or f"moskit-{module.split('.')[0]}"
    return {
        "path": "/".join(origin.parts[-depth:]) if known and origin else None,
        "sha256": hash_file(origin).sha256 if known and origin else None,
        "distribution": name if _version(name) else distribution,
        "version": _version(name),
    }


def _version(distribution: str | None) -> str | None:
    if distribution is None:
        return None
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None

"""The ADR-0661 ``run_provenance`` block: what it holds and how paths are written in it."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from provenance.record.hashing import Digest, DirectoryDigest, PrefixClaim, hash_file
from provenance.toolkit.canonical import json_value, text
from provenance.toolkit.redaction import redact_args, redact_argv

BLOCK_MEMBER = "run_provenance"
BLOCK_SCHEMA = "ai-run-provenance-v1"


def build_block(
    *,
    entrypoint: str,
    distribution: str | None,
    module: str | None,
    shared_trainer: str | None,
    argv: Sequence[str],
    args: Mapping[str, Any],
    inputs: Mapping[str, Any],
    outputs: Mapping[str, Any],
    folder: Path,
) -> dict[str, Any]:
    """The block of one run; the same run gives the same block, on any clock and host.

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
    block: dict[str, Any] = {
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
        str(position): _base64(token)
        for position, token in enumerate(redacted)
        if text(token) != token
    }
    if exact:
        block["argv_base64"] = exact
    return block


def file_entry(
    path: Path,
    digest: Digest | None,
    folder: Path,
    *,
    role: str | None = None,
    prefixes: Mapping[str | None, PrefixClaim] | None = None,
) -> dict[str, Any]:
    """One input or output: ``{path, kind, sha256, bytes}``, and the files of a directory.

    Args:
        path: The file or directory.
        digest: Its digest.
        folder: The folder of the record; a path in or below it is written relative to it.
        role: What an output is to its reader.
        prefixes: An output's claims to begin with an input's bytes, by part.
    """
    assert digest is not None
    entry: dict[str, Any] = {
        **_path_members(_relative(path, folder)),
        "kind": "directory" if isinstance(digest, DirectoryDigest) else "file",
        "sha256": digest.sha256,
        "bytes": digest.size,
    }
    if role is not None:
        entry["role"] = role
    claims = prefixes or {}
    if isinstance(digest, DirectoryDigest):
        entry["files"] = [
            {
                **_path_members(name),
                "sha256": part.sha256,
                "bytes": part.size,
                **_prefix_member(claims.get(name), folder),
            }
            for name, part in digest.files
        ]
    entry.update(_prefix_member(claims.get(None), folder))
    return entry


def _prefix_member(claim: PrefixClaim | None, folder: Path) -> dict[str, Any]:
    if claim is None:
        return {}
    return {
        "prefix": {
            "input": claim.input,
            **_path_members(_relative(claim.path, folder)),
            "sha256": claim.sha256,
            "bytes": claim.size,
        }
    }


def _path_members(path: str) -> dict[str, str]:
    """``path``, and its exact bytes where they are not UTF-8."""
    shown = text(path)
    return {"path": shown} if shown == path else {"path": shown, "path_base64": _base64(path)}


def _base64(value: str) -> str:
    return base64.b64encode(os.fsencode(value)).decode("ascii")


def _relative(path: Path, folder: Path) -> str:
    """``path`` relative to ``folder`` where it lies in or below it, else absolute."""
    absolute = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow the last link
    if absolute.is_relative_to(folder):
        return absolute.relative_to(folder).as_posix()
    real = absolute.parent.resolve() / absolute.name
    if real.is_relative_to(folder.resolve()):
        return real.relative_to(folder.resolve()).as_posix()
    return os.fspath(absolute)


def _entrypoint(
    entrypoint: str, distribution: str | None, module: str | None, folder: Path
) -> dict[str, Any]:
    if module is not None:
        return {"name": entrypoint, **_module_source(module, distribution)}
    script = Path(entrypoint)
    is_file = script.is_file()
    return {
        "name": script.name if is_file else entrypoint,
        "path": text(_relative(script, folder)) if is_file else None,
        "sha256": hash_file(script).sha256 if is_file else None,
        "distribution": distribution,
        "version": _version(distribution),
    }


def _module_source(module: str, distribution: str | None = None) -> dict[str, Any]:
    """A module's source by its path in the distribution, which is the same on every machine."""
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

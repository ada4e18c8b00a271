"""The registry: an index of heads, written atomically.

Each status in it rests on a verdict. A registry is the record of the run that changed it last, so
its digest is checked on load and ``provenance verify`` accepts it. Heads are appended, and a
verdict may change the status of one.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provenance import hash_file, start_run
from provenance.toolkit import InputError, content_digest, read_json

from moshead.documents.registry import SCHEMA as REGISTRY_SCHEMA
from moshead.documents.validation import SCHEMA as VALIDATION_SCHEMA
from moshead.export.manifest import HeadMismatchError, load_manifest

if TYPE_CHECKING:
    from os import PathLike

_STATUSES = ("Accepted", "Proposed")
_MEMBERS: Mapping[str, type | tuple[type, ...]] = {
    "id": str,
    "version": int,
    "onnx": str,
    "sha256": str,
    "schema": str,
    "status": str,
    "manifest": str,
    "verdict": dict,
}


@dataclass(frozen=True)
class RegistryEntry:
    """One version of a head.

    Attributes:
        id: Name of the head.
        version: 1 for the first head of that name, and so on.
        onnx: Path of the ONNX file, relative to the registry's folder where it lies below it.
        sha256: Digest of the ONNX file.
        schema: Id of the feature schema.
        status: ``Accepted`` or ``Proposed``.
        manifest: Path of the manifest, like ``onnx``.
        verdict: What the status rests on: ``kind`` (``training`` or ``validation``), ``passed``,
            ``content_sha256`` of the document with the verdict.
        folder: The registry's folder.
    """

    id: str
    version: int
    onnx: str
    sha256: str
    schema: str
    status: str
    manifest: str
    verdict: Mapping[str, Any]
    folder: Path

    @property
    def onnx_path(self) -> Path:
        """Where the ONNX file is."""
        return self.folder / self.onnx

    @property
    def manifest_path(self) -> Path:
        """Where the manifest is."""
        return self.folder / self.manifest

    def check(self) -> None:
        """Check that the files are those that were registered.

        Raises:
            InputError: A file is missing.
            HeadMismatchError: A digest, schema or status differs.
        """
        found = hash_file(self.onnx_path).sha256
        document = load_manifest(self.manifest_path)
        stated = {
            "digest of the ONNX file": (found, self.sha256),
            "digest in its manifest": (document["sha256"], self.sha256),
            "id": (document["id"], self.id),
            "feature schema": (document["feature_schema"], self.schema),
        }
        differing = [name for name, (there, here) in stated.items() if there != here]
        if self.status == "Accepted" and document["gate"].get("status") != "Accepted":
            differing.append("status")
        if differing:
            raise HeadMismatchError(
                f"{self.id} version {self.version} is not what the registry lists: the "
                f"{' and the '.join(differing)} {'differs' if len(differing) == 1 else 'differ'}",
                where=str(self.onnx_path),
                fix="Restore the registered files, or register the new head",
                code="registry.head-differs",
            )

    def to_dict(self) -> dict[str, Any]:
        """The entry as it stands in the registry."""
        members = asdict(self)
        del members["folder"]
        return members


@dataclass(frozen=True)
class Registry:
    """An index of heads.

    Attributes:
        path: The registry file.
        entries: Its heads, in the order of registration.
    """

    path: Path
    entries: tuple[RegistryEntry, ...]

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Registry:
        """Read a registry and check it.

        Raises:
            InputError: It cannot be read, or a status in it has no verdict.
        """
        path = Path(path)
        document = read_json(path, "The registry")
        problem = _problem(document)
        if problem:
            raise InputError(
                f"the registry is not sound: {problem}",
                where=str(path),
                fix="Restore it, or register the heads again with moshead register",
                code="registry.unsound",
            )
        names = set(_MEMBERS)
        return cls(
            path,
            tuple(
                RegistryEntry(**{n: head[n] for n in names}, folder=path.parent)
                for head in document["heads"]
            ),
        )

    def find(self, id: str, *, version: int | None = None) -> RegistryEntry:
        """Return the entry of a head, the latest version by default.

        Raises:
            InputError: The registry has no such head; the message lists the heads that it has.
        """
        named = [entry for entry in self.entries if entry.id == id]
        for entry in reversed(named):
            if version is None or entry.version == version:
                return entry
        known = [f"{entry.id} version {entry.version}" for entry in self.entries]
        wanted = id if version is None else f"{id} version {version}"
        raise InputError(
            f"the registry lists no {wanted}",
            where=str(self.path),
            fix=f"It lists {', '.join(known)}" if known else "It lists no heads; register one",
            code="registry.no-such-head",
        )


def register(
    registry: str | PathLike[str],
    manifest: str | PathLike[str],
    *,
    verdict: str | PathLike[str] | None = None,
) -> dict[str, Any]:
    """Add a head to a registry, or update the status of one in it.

    A head takes the status that its manifest's verdict gave it. A validation report may take
    ``Accepted`` away from it, and a later one give it back, but never to a head that the gate did
    not accept in training. The same head again changes nothing; another one under the same id
    becomes its next version.

    Args:
        registry: The registry file; made where it does not exist.
        manifest: Manifest of the head.
        verdict: A report of :func:`moshead.validate` on this head.

    Returns:
        The registry's new document.

    Raises:
        InputError: The registry is not sound, or the verdict is not a report on this head.
        HeadMismatchError: The ONNX file is not the one that the manifest describes.
    """
    registry, manifest = Path(registry), Path(manifest)
    head = load_manifest(manifest)
    if head["onnx"] is None:
        raise InputError(
            "the manifest is of a head that was not exported",
            where=str(manifest),
            fix="Train it again without --no-export",
            code="registry.head-not-exported",
        )
    onnx = manifest.parent / head["onnx"]
    judged = _judgement(head, None if verdict is None else Path(verdict))
    with start_run(
        "moshead register",
        distribution="moskit-moshead",
        module="moshead.export.registry",
        inputs={
            "manifest": manifest,
            "onnx": onnx,
            "verdict": None if verdict is None else Path(verdict),
        },
        args={
            "registry": str(registry),
            "manifest": str(manifest),
            "verdict": None if verdict is None else str(verdict),
        },
    ) as run:
        document: dict[str, Any] = {"schema": REGISTRY_SCHEMA}
        # The record's lock is held from here on, so that no other run's entry can be lost.
        run.record(registry, document, kind="head-registry")
        known = Registry.load(registry).entries if registry.exists() else ()
        entry = RegistryEntry(
            id=head["id"],
            version=1 + max((e.version for e in known if e.id == head["id"]), default=0),
            onnx=_place(onnx, registry.parent),
            sha256=head["sha256"],
            schema=head["feature_schema"],
            status=judged["status"],
            manifest=_place(manifest, registry.parent),
            verdict=judged["verdict"],
            folder=registry.parent,
        )
        entry.check()
        document["heads"] = [e.to_dict() for e in _entered(known, entry, verdict is not None)]
    return run.document


def _entered(
    known: tuple[RegistryEntry, ...], entry: RegistryEntry, has_new_verdict: bool
) -> list[RegistryEntry]:
    entries = list(known)
    for index, old in enumerate(entries):
        if old.id == entry.id and old.sha256 == entry.sha256:
            members = entry.to_dict() | {"version": old.version}
            if not has_new_verdict:
                # Registering a head again does not change its verdict.
                members |= {"status": old.status, "verdict": old.verdict}
            entries[index] = RegistryEntry(**members, folder=entry.folder)
            return entries
    return [*entries, entry]


def _judgement(head: dict[str, Any], report: Path | None) -> dict[str, Any]:
    """The status of a head and the verdict that it rests on."""
    if report is None:
        gate = head["gate"]
        return {
            "status": gate["status"],
            "verdict": {
                "kind": "training",
                "passed": bool(gate["passed"]),
                "content_sha256": head["content_sha256"],
            },
        }
    document = read_json(report, "The validation report")
    if not isinstance(document, dict) or document.get("schema") != VALIDATION_SCHEMA:
        raise InputError(
            f"this is not a validation report ({VALIDATION_SCHEMA})",
            where=str(report),
            fix="Give the JSON file that moshead validate wrote",
            code="registry.not-a-validation-report",
        )
    if document.get("content_sha256") != content_digest(document):
        raise InputError(
            "the report was changed after it was written",
            where=str(report),
            fix="Validate again",
            code="registry.report-changed",
        )
    if document.get("sha256") != head["sha256"]:
        raise HeadMismatchError(
            f"the report is on another head than {head['id']}",
            where=str(report),
            fix="Validate this head",
            code="registry.report-on-another-head",
        )
    passed = bool(document["gate"]["passed"])
    accepted = passed and head["gate"]["status"] == "Accepted"
    return {
        "status": "Accepted" if accepted else "Proposed",
        "verdict": {
            "kind": "validation",
            "passed": passed,
            "content_sha256": document["content_sha256"],
        },
    }


def _problem(document: Any) -> str | None:
    """What is wrong with a registry, or None."""
    if not isinstance(document, dict) or document.get("schema") != REGISTRY_SCHEMA:
        return f"it is not a {REGISTRY_SCHEMA} document"
    if document.get("content_sha256") != content_digest(document):
        return "it was changed by hand: its content_sha256 does not match"
    heads = document.get("heads")
    if not isinstance(heads, list):
        return "it has no list of heads"
    seen: set[tuple[str, int]] = set()
    for number, head in enumerate(heads, start=1):
        for name, kind in _MEMBERS.items():
            if not isinstance(head, dict) or not isinstance(head.get(name), kind):
                return f"head {number} has no {name}"
        if head["status"] not in _STATUSES:
            return f"head {number} has the status {head['status']!r}"
        if head["status"] == "Accepted" and head["verdict"].get("passed") is not True:
            return f"head {number} is Accepted without a verdict"
        if (head["id"], head["version"]) in seen:
            return f"{head['id']} version {head['version']} is listed twice"
        seen.add((head["id"], head["version"]))
    return None


def _place(path: Path, folder: Path) -> str:
    """``path`` relative to ``folder`` where it lies in or below it, else absolute."""
    absolute = Path(os.path.abspath(path))  # noqa: PTH100 - links stay as they were named
    base = Path(os.path.abspath(folder))  # noqa: PTH100
    return (
        absolute.relative_to(base).as_posix()
        if absolute.is_relative_to(base)
        else absolute.as_posix()
    )

"""Read a head from disk and check it before a runtime opens it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

import numpy as np
from provenance.toolkit import InputError, one_line, read_document

from moshead.export.manifest import check_against_manifest, load_manifest, manifest_beside
from moshead.export.metadata import HeadMetadata
from moshead.export.onnxfile import OnnxFacts, read_onnx
from moshead.export.operators import check_operators
from moshead.export.runtime import open_session
from moshead.heads.graph_names import ENCODER, FEATURES, FOLDS_OUTPUT, OUTPUT

LARGEST_HEAD_BYTES = 2 << 30
"""What an ONNX file in one piece can have (protobuf)."""

if TYPE_CHECKING:
    import onnxruntime


@dataclass(frozen=True)
class HeadFile:
    """A head that was read and checked.

    Attributes:
        path: The ONNX file.
        sha256: Digest of its bytes.
        data: Its bytes, as they were checked.
        facts: Operators, opsets and metadata of the model.
        metadata: The head's own metadata.
        manifest: Its manifest, or None if none stands beside it.
        manifest_path: Path of the manifest.
    """

    path: Path
    sha256: str
    data: bytes
    facts: OnnxFacts
    metadata: HeadMetadata
    manifest: dict[str, Any] | None
    manifest_path: Path | None

    def session(self) -> onnxruntime.InferenceSession:
        """Open a runtime session for the head.

        Raises:
            InputError: The runtime refuses the graph, or its inputs are not those of the metadata.
        """
        return self._session(self.data, OUTPUT)

    def fold_session(self) -> onnxruntime.InferenceSession | None:
        """Open a runtime session for the fold models, or return None if the head has none.

        Raises:
            InputError: As :meth:`session`, or an operator is not allowed.
        """
        data = self.metadata.fold_models
        if data is None:
            return None
        facts = read_onnx(data, f"{self.path}, the nets of its folds")
        _refuse_external_data(facts, self.path)
        check_operators(facts, f"{self.path}, the nets of its folds")
        return self._session(data, FOLDS_OUTPUT)

    def _session(self, data: bytes, output: str) -> onnxruntime.InferenceSession:
        try:
            session = open_session(data)
        except Exception as error:
            raise InputError(
                f"onnxruntime refuses the graph: {str(error).splitlines()[0]}",
                where=str(self.path),
                fix="Train or copy the head again",
                code="head.refused-by-runtime",
            ) from error
        widths = {item.name: item.shape[-1] for item in session.get_inputs()}
        wanted = {
            FEATURES: len(self.metadata.schema.columns),
            ENCODER: len(self.metadata.encoder_vocab),
        }
        outputs = [item.name for item in session.get_outputs()]
        if widths != wanted or outputs != [output]:
            raise InputError(
                f"the graph has inputs {widths} and outputs {outputs}, "
                f"and its metadata asks for {wanted} and {[output]}",
                where=str(self.path),
                fix="Train or copy the head again",
                code="head.graph-contradicts-metadata",
            )
        medians, columns = self.metadata.imputation, self.metadata.schema.columns
        feed = {
            FEATURES: np.array([[medians[name] for name in columns]], dtype=np.float32),
            ENCODER: np.eye(1, wanted[ENCODER], dtype=np.float32),
        }
        try:
            [predicted] = session.run(None, feed)
        except Exception as error:  # e.g. a tensor that is larger than the memory
            raise InputError(
                f"the graph cannot be run: {one_line(str(error).splitlines()[0])[:200]}",
                where=str(self.path),
                fix="Train or copy the head again",
                code="head.cannot-run",
            ) from error
        # A weight that is NaN makes every prediction NaN, that of the medians included.
        if not np.isfinite(predicted).all():
            raise InputError(
                "the head predicts no number for the medians of its training rows: its weights "
                "are damaged",
                where=str(self.path),
                fix="Train or copy the head again",
                code="head.not-a-number",
            )
        return session


def read_head(onnx: Path, manifest: Path | None = None) -> HeadFile:
    """Read a head and check its operators, external data, metadata and manifest.

    Args:
        onnx: The ONNX file.
        manifest: Its manifest; by default the one beside it under the same stem.

    Raises:
        InputError: The file is unreadable, is not a moshead head, uses an operator that ADR-0258
            does not allow, or keeps weights in another file.
        HeadMismatchError: It is not the head that its manifest describes.
    """
    data = read_document(onnx, "The head", limit=LARGEST_HEAD_BYTES)
    facts = read_onnx(data, str(onnx))
    _refuse_external_data(facts, onnx)
    check_operators(facts, str(onnx))
    sha256 = hashlib.sha256(data).hexdigest()
    manifest = manifest or manifest_beside(onnx)
    document = None
    if manifest is not None:
        document = load_manifest(manifest)
        check_against_manifest(document, manifest=manifest, onnx=onnx, sha256=sha256, facts=facts)
    metadata = HeadMetadata.from_props(facts.metadata, str(onnx))
    return HeadFile(onnx, sha256, data, facts, metadata, document, manifest)


def _refuse_external_data(facts: OnnxFacts, onnx: Path) -> None:
    for location in sorted(facts.external_data):
        windows, posix = PureWindowsPath(location), PurePosixPath(location)
        leaves = (
            windows.is_absolute()
            or posix.is_absolute()
            or bool(windows.drive)
            or ".." in windows.parts
        )
        raise InputError(
            f"it keeps weights in another file, {location!r}, "
            + ("outside its own folder" if leaves else "which its digest does not cover"),
            where=str(onnx),
            fix="Use a head that is one file, as moshead exports it",
            code="head.external-data",
        )

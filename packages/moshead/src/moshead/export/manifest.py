"""The manifest of a head: what it is, what trained it, and the verdict, as JSON beside the ONNX."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from provenance.toolkit import InputError, content_digest, parse_json, read_json

from moshead.documents.manifest import SCHEMA as MANIFEST_SCHEMA
from moshead.features.domain import ENCODER_VOCAB_VERSION, MOS_RANGE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from moshead.baselines.worth import Worth
    from moshead.export.onnxfile import OnnxFacts
    from moshead.features.domain import Array
    from moshead.gate.report import GateReport
    from moshead.heads.conformal import CrossConformal
    from moshead.heads.network import TrainingResult

MANIFEST_KIND = "mos-head"
_MEMBERS = ("id", "onnx", "sha256", "feature_schema", "feature_order", "operators", "gate")


class HeadMismatchError(InputError):
    """An ONNX file is not the head that its manifest or registry describes."""


def head_manifest(
    result: TrainingResult,
    *,
    onnx: str | None,
    card: str,
    conformal: CrossConformal | None,
    worth: Worth | None = None,
) -> dict[str, Any]:
    """The manifest of a trained head, without its run record.

    ``sha256``, ``opset`` and ``operators`` are null until there is an ONNX file.

    Args:
        result: What training made.
        onnx: The ONNX file's path, relative to the manifest's folder where it lies in or below
            it; None where none is exported.
        card: The card's path, in the same form.
        conformal: The residuals behind the head's intervals, or None.
        worth: What the head is worth beside its baselines; its sentence opens the verdict's.
    """
    head = result.head
    smoke = result.corpus_kind != "real"
    return {
        "schema": MANIFEST_SCHEMA,
        "id": result.model_id,
        "kind": MANIFEST_KIND,
        "onnx": onnx,
        "card": card,
        "sha256": None,
        "opset": None,
        "operators": None,
        "feature_schema": head.schema.id,
        "feature_order": list(head.schema.columns),
        "feature_mean": [float(value) for value in result.feature_mean],
        "feature_std": [float(value) for value in result.feature_std],
        "feature_clip": result.recipe.get("feature_clip"),
        "imputation": dict(head.imputation),
        "fill": dict(result.fill),
        "encoder_vocab": list(head.encoder_vocab),
        "encoder_vocab_version": ENCODER_VOCAB_VERSION,
        "mos_range": list(MOS_RANGE),
        "n_nets": len(head.nets),
        "n_parameters": head.n_parameters,
        "intervals": None if conformal is None else conformal.summary(),
        "training_recipe": {"n_rows": len(result.mos), **result.recipe, "smoke": smoke},
        "corpus": {"kind": result.corpus_kind, "mos": mos_summary(result.mos), **result.corpus},
        "folds": result.folds,
        "seeds": list(result.seeds),
        "out_of_fold": mos_summary(result.oof.column("mos_pred").to_numpy()),
        "gate": _verdict(result.gate, worth),
        "control": None if result.gate.control is None else result.gate.control.to_dict(),
        "contents": result.gate.contents,
        "corpora": _corpora(result.gate, worth),
        "alignment": result.alignment,
        "away": list(result.away),
        "worth": None if worth is None else worth.to_dict(),
        "baselines": [] if worth is None else [each.to_dict() for each in worth.baselines],
        "notes": list(result.notes),
    }


def _corpora(gate: GateReport, worth: Worth | None) -> list[dict[str, Any]]:
    """The verdict on each corpus, with the baselines on it."""
    beside = {} if worth is None else worth.corpora
    return [
        each.to_dict() | {"baselines": [b.to_dict() for b in beside.get(each.name, ())]}
        for each in gate.corpora
    ]


def _verdict(gate: GateReport, worth: Worth | None) -> dict[str, Any]:
    document = gate.to_dict()
    if worth is not None:
        document["sentence"] = f"{worth.sentence} {gate.sentence}"
    return document


def mos_summary(values: Array) -> dict[str, float]:
    """Return range, mean and standard deviation of some MOS."""
    numbers = {
        "min": values.min(),
        "mean": values.mean(),
        "max": values.max(),
        "std": values.std(),
    }
    return {name: round(float(number), 4) for name, number in numbers.items()}


def load_manifest(path: Path) -> dict[str, Any]:
    """Read a manifest and check that nothing in it was changed since it was written.

    Raises:
        InputError: It cannot be read, is no manifest of a head, or its own digest does not match.
    """
    document = read_json(path, "The manifest")
    if not isinstance(document, dict) or document.get("schema") != MANIFEST_SCHEMA:
        raise InputError(
            f"this is no manifest of a head ({MANIFEST_SCHEMA})",
            where=str(path),
            fix="Give the JSON file that training wrote beside the ONNX file",
            code="head-manifest.not-a-head",
        )
    missing = [name for name in _MEMBERS if name not in document]
    if missing:
        raise InputError(
            f"the manifest lacks {', '.join(missing)}",
            where=str(path),
            fix="Train the head again",
            code="head-manifest.members-missing",
        )
    if document.get("content_sha256") != content_digest(document):
        raise HeadMismatchError(
            "the manifest was changed after it was written: its content_sha256 does not match",
            where=str(path),
            fix="Restore the file that training wrote",
            code="head-manifest.changed",
        )
    return document


def manifest_beside(onnx: Path) -> Path | None:
    """The manifest that stands beside an ONNX file under the same stem, or None."""
    path = onnx.with_suffix(".json")
    if not path.is_file():
        return None
    document = read_json(path, "The manifest")
    is_manifest = isinstance(document, dict) and document.get("schema") == MANIFEST_SCHEMA
    return path if is_manifest else None


def check_against_manifest(
    document: dict[str, Any], *, manifest: Path, onnx: Path, sha256: str, facts: OnnxFacts
) -> None:
    """Refuse an ONNX file that is not the one that the manifest describes.

    Raises:
        HeadMismatchError: Digest, operators, feature schema or encoder vocabulary differ.
    """
    props = facts.metadata
    found = {
        "sha256": sha256,
        "operators": sorted(facts.operators),
        "feature_schema": props.get("moskit.feature_schema"),
        "feature_order": _metadata(props, "feature_order"),
        "encoder_vocab": _metadata(props, "encoder_vocab"),
        "id": props.get("moskit.model_id"),
    }
    names = {
        "sha256": "digest",
        "operators": "operator list",
        "feature_schema": "feature schema",
        "feature_order": "feature order",
        "encoder_vocab": "encoder vocabulary",
        "id": "id",
    }
    differing = [name for name, value in found.items() if document.get(name) != value]
    if differing:
        raise HeadMismatchError(
            f"its {' and '.join(names[name] for name in differing)} "
            f"{'does' if len(differing) == 1 else 'do'} not match the manifest {manifest}",
            where=str(onnx),
            fix="Give the ONNX file and the manifest of one training run",
            code="head-manifest.head-differs",
        )


def _metadata(props: Mapping[str, str], name: str) -> Any:
    raw = props.get(f"moskit.{name}", "null").encode()
    return parse_json(raw, f"The metadata {name} of the head")

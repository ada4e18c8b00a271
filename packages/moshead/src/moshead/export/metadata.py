"""What a head's ONNX file carries beside its graph: everything that prediction needs.

The ``metadata_props`` of the model hold text only, so lists and objects are canonical JSON and the
nets of the folds are an ONNX model of their own in base64. Nothing in them depends on the place or
the time of training; measured numbers are rounded, so that equal heads have equal bytes.
"""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, get_args

from provenance.record import EMBEDDED_KEY
from provenance.toolkit import InputError, canonical_bytes, one_line, parse_json

from moshead.documents.shared import Status
from moshead.domain import Domain
from moshead.features.schemas import FeatureSchema
from moshead.heads.conformal import CrossConformal
from moshead.scales.mapping import MonotoneMap

if TYPE_CHECKING:
    from collections.abc import Mapping

METADATA_VERSION = "1"
_PREFIX = "moskit."
_GATE_DECIMALS = 6


@dataclass(frozen=True)
class HeadMetadata:
    """What a head says about itself.

    Attributes:
        model_id: Its name.
        status: ``Accepted`` or ``Proposed``.
        corpus_kind: ``real``, or the kind of synthetic rows that trained it.
        schema: The feature columns in input order, with required ones and fill values.
        imputation: Value for each feature that is not finite.
        encoder_vocab: Meaning of the slots of the encoder one-hot.
        encoder_vocab_version: Version of that vocabulary.
        gate: The verdict of training, as in the manifest, numbers rounded to six decimals.
        conformal: Residuals of the folds, or None without folds.
        fold_models: ONNX model of the nets of the folds, or None.
        training_keys: Fingerprints of the clips that trained it, as text.
        training_rows: Fingerprints of what the training rows hold, as text; empty where unknown.
        run_record: The short run record.
        display: Values of the display profile that shaped training, if any; a prediction takes
            them where a row has no display of its own.
        domain: What its training rows look like; None in a head of an older moshead.
        alignment: Maps from its scale to those of its corpora (``kind, reference, maps``); None
            where none were aligned.
    """

    model_id: str
    status: str
    corpus_kind: str
    schema: FeatureSchema
    imputation: Mapping[str, float]
    encoder_vocab: tuple[str, ...]
    encoder_vocab_version: int
    gate: Mapping[str, Any]
    conformal: CrossConformal | None
    fold_models: bytes | None
    training_keys: str
    run_record: Mapping[str, Any]
    display: Mapping[str, float] = field(default_factory=dict)
    training_rows: str = ""
    domain: Domain | None = None
    alignment: Mapping[str, Any] | None = None

    def scale_of(self, corpus: str) -> MonotoneMap:
        """The map from the head's scale to that of one of its corpora.

        Raises:
            InputError: The head has no map for it.
        """
        maps = {} if self.alignment is None else self.alignment["maps"]
        if corpus not in maps:
            known = ", ".join(maps)
            raise InputError(
                f"the head has no scale of the corpus {corpus!r}",
                where=self.model_id,
                fix=f"Use one of {known}"
                if known
                else "Train it with --align, or leave --corpus out: it has one scale",
                code="head.unknown-corpus",
            )
        return MonotoneMap.from_dict(maps[corpus])

    def to_props(self) -> dict[str, str]:
        """The ``metadata_props`` of the model; :meth:`from_props` reads them back."""
        props: dict[str, Any] = {
            "metadata_version": METADATA_VERSION,
            "model_id": self.model_id,
            "status": self.status,
            "corpus_kind": self.corpus_kind,
            "feature_schema": self.schema.id,
            "feature_order": list(self.schema.columns),
            "feature_required": list(self.schema.required),
            "feature_fill": dict(self.schema.fill),
            "imputation": dict(self.imputation),
            "encoder_vocab": list(self.encoder_vocab),
            "encoder_vocab_version": self.encoder_vocab_version,
            "gate": rounded(self.gate),
            "training_keys": self.training_keys,
        }
        if self.training_rows:
            props["training_rows"] = self.training_rows
        if self.domain is not None:
            props["domain"] = self.domain.to_dict()
        if self.alignment is not None:
            props["alignment"] = dict(self.alignment)
        if self.display:
            props["display"] = dict(self.display)
        if self.conformal is not None and self.fold_models is not None:
            props["intervals"] = self.conformal.summary()
            props["interval_residuals"] = self.conformal.to_dict()
            props["interval_models"] = base64.b64encode(self.fold_models).decode()
        texts = {
            _PREFIX + name: value if isinstance(value, str) else canonical_bytes(value).decode()
            for name, value in props.items()
        }
        texts[EMBEDDED_KEY] = canonical_bytes(self.run_record).decode()
        return texts

    @classmethod
    def from_props(cls, props: Mapping[str, str], where: str) -> HeadMetadata:
        """Read what :meth:`to_props` wrote.

        Raises:
            InputError: The model is no head of moshead, or of a later one.
        """
        if f"{_PREFIX}metadata_version" not in props:
            raise InputError(
                "the ONNX model carries no moshead metadata, so its feature order is unknown",
                where=where,
                fix="Give a head that moshead trained",
                code="head.no-metadata",
            )
        found = props[f"{_PREFIX}metadata_version"]
        if found != METADATA_VERSION:
            raise InputError(
                f"the head's metadata is of version {found}, and this moshead reads "
                f"version {METADATA_VERSION}",
                where=where,
                fix="Upgrade moskit-moshead",
                code="head.metadata-version",
            )
        try:
            return cls._parse(props)
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise InputError(
                f"the head's metadata is damaged ({type(error).__name__}: {error})",
                where=where,
                fix="Train or copy the head again",
                code="head.metadata-damaged",
            ) from error

    @classmethod
    def _parse(cls, props: Mapping[str, str]) -> HeadMetadata:
        def value(name: str) -> Any:
            return _parsed(props[_PREFIX + name], name)

        schema = FeatureSchema(
            id=props[f"{_PREFIX}feature_schema"],
            columns=tuple(value("feature_order")),
            required=tuple(value("feature_required")),
            fill={name: float(fill) for name, fill in value("feature_fill").items()},
        )
        imputation = {name: float(median) for name, median in value("imputation").items()}
        if set(imputation) != set(schema.columns):
            raise ValueError("imputation values do not match the feature columns")
        domain = conformal = fold_models = None
        alignment = value("alignment") if f"{_PREFIX}alignment" in props else None
        if f"{_PREFIX}domain" in props:
            domain = Domain.from_dict(value("domain"))
        if f"{_PREFIX}interval_models" in props:
            conformal = CrossConformal.from_dict(value("interval_residuals"))
            fold_models = base64.b64decode(props[f"{_PREFIX}interval_models"], validate=True)
        return cls(
            model_id=props[f"{_PREFIX}model_id"],
            status=_status(props[f"{_PREFIX}status"]),
            corpus_kind=props[f"{_PREFIX}corpus_kind"],
            schema=schema,
            imputation=imputation,
            encoder_vocab=tuple(value("encoder_vocab")),
            encoder_vocab_version=int(props[f"{_PREFIX}encoder_vocab_version"]),
            gate=value("gate"),
            conformal=conformal,
            fold_models=fold_models,
            training_keys=props[f"{_PREFIX}training_keys"],
            run_record=_parsed(props.get(EMBEDDED_KEY, "{}"), "run_provenance"),
            display=value("display") if f"{_PREFIX}display" in props else {},
            training_rows=props.get(f"{_PREFIX}training_rows", ""),
            domain=domain,
            alignment=alignment,
        )


def _parsed(text: str, name: str) -> Any:
    return parse_json(text.encode(), f"The metadata {name} of the head")


def _status(text: str) -> str:
    known = get_args(Status)
    if text not in known:
        raise ValueError(f"its status is {one_line(text[:40])}, and not {' or '.join(known)}")
    return text


def rounded(value: Any) -> Any:
    """``value`` with every float rounded to six decimals, and those that are not finite null."""
    if isinstance(value, dict):
        return {name: rounded(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    if isinstance(value, float):
        return round(value, _GATE_DECIMALS) if math.isfinite(value) else None
    return value

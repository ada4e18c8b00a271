"""Predict MOS with a head; needs only onnxruntime, numpy and pyarrow."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from provenance.toolkit import InputError

from moshead.features.domain import ENCODER_VOCAB, MOS_RANGE
from moshead.heads.conformal import DEFAULT_ALPHA, Array, check_alpha
from moshead.heads.graph_names import FEATURES
from moshead.predict.blocks import (
    BLOCK_ROWS,
    FeatureReader,
    Feed,
    Float32,
    Repairs,
    check_codecs,
    over_blocks,
)
from moshead.predict.foreign import Foreign
from moshead.predict.headfile import HeadFile, read_head
from moshead.predict.predictions import Prediction, Predictions, Source

if TYPE_CHECKING:
    from os import PathLike

    from moshead.features.schemas import FeatureSchema

FeedAt = Callable[[int], tuple[Feed, Repairs]]
"""Makes the inputs of the block that begins at a row."""

VMAF_COLUMN = "predicted_vmaf"


class ProposedHeadWarning(UserWarning):
    """The head in use is ``Proposed``: it has not passed the gate on real labels."""


class VmafFallbackWarning(UserWarning):
    """The head was not found; a linear map of VMAF was used instead."""


def vmaf_linear(predicted_vmaf: Any) -> Array:
    """Return the documented fallback for a missing head: (VMAF - 30) / 14, clamped to [1, 5].

    Args:
        predicted_vmaf: VMAF on [0, 100].

    Example:
        >>> vmaf_linear([72.0, 10.0]).tolist()
        [3.0, 1.0]
    """
    return np.clip((np.asarray(predicted_vmaf, dtype=np.float64) - 30) / 14, *MOS_RANGE)


class Predictor:
    """A head, ready to predict.

    The ONNX file alone suffices: feature order, imputation and intervals are in its metadata.
    Where its manifest stands beside it, the two must match.

    Args:
        onnx: The ONNX file of the head.
        manifest: Its manifest; by default the one beside the ONNX file.
        alpha: Level of the prediction intervals.
        strict: Require the manifest, and refuse what would otherwise be a warning: a missing ONNX
            file (instead of the ``vmaf-linear`` fallback), and a head that is only ``Proposed``.
        display: Values of a display profile (:func:`moshead.features.read_display_profile`);
            by default those that the head was trained with, if any.
        corpus: Answer on the MOS scale of this corpus, for a head of aligned corpora; by default
            on the head's own.

    Attributes:
        path: The ONNX file.
        source: ``head``, or ``vmaf-linear`` where the ONNX file is missing.
        head: The head that was read, or None.
        alpha: Level of the prediction intervals.

    Raises:
        InputError: The file is not a sound head, or ``strict`` refuses it.
        HeadMismatchError: The file is not the head that its manifest describes.
    """

    def __init__(
        self,
        onnx: str | PathLike[str],
        *,
        manifest: str | PathLike[str] | None = None,
        alpha: float = DEFAULT_ALPHA,
        strict: bool = False,
        display: Mapping[str, float] | None = None,
        corpus: str | None = None,
    ) -> None:
        check_alpha(alpha)
        self.path = Path(onnx)
        self.alpha = alpha
        self.source: Source = "head"
        self.head: HeadFile | None = None
        if not self.path.exists() and manifest is None and not strict:
            self.source = "vmaf-linear"
            return
        self.head = read_head(self.path, None if manifest is None else Path(manifest))
        if strict and self.head.manifest is None:
            raise InputError(
                "no manifest stands beside the head, so nothing confirms what it says of itself",
                where=str(self.path),
                fix="Put the manifest that training wrote beside it, or leave strict out",
                code="head.no-manifest",
            )
        self._check_status(self.head, strict=strict)
        self._session = self.head.session()
        self._fold_session: Any = None
        metadata = self.head.metadata
        self._reader = FeatureReader(metadata, metadata.display if display is None else display)
        self._conformal = self.head.metadata.conformal
        self._domain = self.head.metadata.domain
        self._scale = None if corpus is None else metadata.scale_of(corpus)

    @classmethod
    def from_registry(
        cls,
        registry: str | PathLike[str],
        id: str,
        *,
        version: int | None = None,
        alpha: float = DEFAULT_ALPHA,
        strict: bool = False,
        display: Mapping[str, float] | None = None,
    ) -> Predictor:
        """Open a head that a registry lists.

        Args:
            registry: The registry file.
            id: Name of the head.
            version: Its version; the latest by default.
            alpha: Level of the prediction intervals.
            strict: As for the class.
            display: As for the class.

        Raises:
            InputError: The registry is not sound, or does not list the head.
            HeadMismatchError: The files are not those that were registered.
        """
        from moshead.export.registry import Registry

        entry = Registry.load(registry).find(id, version=version)
        entry.check()
        predictor = cls(
            entry.onnx_path,
            manifest=entry.manifest_path,
            alpha=alpha,
            strict=strict,
            display=display,
        )
        if entry.status != predictor.status:
            # A validation has taken back what training gave.
            _proposed(
                entry.onnx_path,
                f"the registry lists it as {entry.status}: it missed the gate on held-out rows",
                strict=strict,
            )
        return predictor

    @property
    def schema(self) -> FeatureSchema | None:
        """The feature schema, or None without a head."""
        return None if self.head is None else self.head.metadata.schema

    @property
    def status(self) -> str | None:
        """``Accepted`` or ``Proposed``, or None without a head."""
        return None if self.head is None else self.head.metadata.status

    @property
    def columns_read(self) -> tuple[str, ...]:
        """Table columns that a prediction can use."""
        return (VMAF_COLUMN,) if self.head is None else self._reader.members

    def predict_mos(
        self,
        features: Any,
        codec: str | Sequence[str] = ENCODER_VOCAB[0],
        *,
        predicted_vmaf: Any = None,
    ) -> Any:
        """Predict the MOS of one clip, or of the rows of a table.

        Args:
            features: One row, as a mapping from feature name to value or as a sequence of values
                in feature order; or a table, as anything that speaks the Arrow PyCapsule protocol
                (pyarrow, polars, pandas, DuckDB) or as an array (N, F) in feature order. Values
                that are null, NaN or infinite take the training median.
            codec: Encoder of the row or of all rows, or one for each; a slot of the head's
                encoder vocabulary.
            predicted_vmaf: VMAF on [0, 100] for the fallback, instead of a column or member
                ``predicted_vmaf``. Not used while there is a head.

        Returns:
            A :class:`Prediction` for one row, :class:`Predictions` for a table.

        Raises:
            InputError: A required feature is absent or not a number, ``codec`` is not in the
                vocabulary, or there is neither a head nor a VMAF.
        """
        if self.head is None:
            return self._fall_back(features, predicted_vmaf)
        if isinstance(features, Mapping):
            return self._predict_row(*self._reader.mapping(features, codec))
        if hasattr(features, "__arrow_c_stream__") or isinstance(features, pa.RecordBatch):
            table = self._reader.selected(_as_table(features))
            check_codecs(codec, table.num_rows)
            return self._predict_rows(
                table.num_rows, lambda start: self._reader.table_feed(table, codec, start)
            )
        array = self._as_array(features)
        if array.ndim == 1:
            return self._predict_row(*self._reader.array_feed(array[np.newaxis], codec, 0))
        check_codecs(codec, len(array))
        return self._predict_rows(
            len(array), lambda start: self._reader.array_feed(array, codec, start)
        )

    def _predict_row(self, feed: Feed, repairs: Repairs) -> Prediction:
        mos = self._session.run(None, feed)[0]
        intervals = likeness = None
        if self._conformal is not None:
            intervals = _Intervals(self, mos, lambda start: (feed, repairs))
        if (domain := self._domain) is not None:
            likeness = partial(domain.distances, feed[FEATURES], repairs.missing)
        shown = mos if self._scale is None else self._scale(mos)
        return Prediction(shown.item(), "head", intervals, tuple(repairs.imputed), likeness)

    def _predict_rows(self, rows: int, feed_at: FeedAt) -> Predictions:
        mos, total = np.empty(rows, dtype=np.float64), Repairs()
        domain, distance, foreign = self._domain, None, None
        if domain is not None:
            distance = np.empty(rows, dtype=np.float32)
            foreign = Foreign.none(self._reader.columns, domain)

        def predict(start: int) -> tuple[Repairs, Foreign | None]:
            feed, repairs = feed_at(start)
            block = slice(start, start + BLOCK_ROWS)
            mos[block] = self._session.run(None, feed)[0]
            if domain is None or distance is None:
                return repairs, None
            distance[block] = domain.distances(feed[FEATURES], repairs.missing)
            own = Foreign.none(self._reader.columns, domain)
            own.add_block(feed[FEATURES], repairs.missing, distance[block])
            return repairs, own

        for repairs, own in over_blocks(predict, rows):
            total.add(repairs)
            if foreign is not None and own is not None:
                foreign.add(own)
        intervals = None if self._conformal is None else _Intervals(self, mos, feed_at)
        mos = mos if self._scale is None else self._scale(mos)
        return Predictions(mos, "head", intervals, total.imputed, total.filled, distance, foreign)

    def _as_array(self, features: Any) -> Any:
        width = len(self._reader.columns)
        try:
            array = np.asarray(features)
            if array.dtype.kind not in "fiub":
                array = array.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise InputError(
                f"the features are not numbers ({error})",
                fix=f"Give {width} numbers in feature order, a mapping, or a table",
                code="prediction.features-not-numbers",
            ) from error
        if array.ndim not in (1, 2) or array.shape[-1] != width:
            raise InputError(
                f"the features have shape {array.shape}, and the head reads {width} values a row",
                fix="Give them in the order of the head's feature schema, or by name",
                code="prediction.wrong-shape",
            )
        return array

    def _fall_back(self, features: Any, predicted_vmaf: Any) -> Prediction | Predictions:
        if predicted_vmaf is None and isinstance(features, Mapping):
            predicted_vmaf = features.get(VMAF_COLUMN)
        elif predicted_vmaf is None and hasattr(features, "__arrow_c_stream__"):
            table = _as_table(features)
            if VMAF_COLUMN in table.column_names:
                predicted_vmaf = table.column(VMAF_COLUMN).cast(pa.float64()).to_numpy()
        vmaf = np.asarray(np.nan if predicted_vmaf is None else predicted_vmaf, dtype=np.float64)
        unusable = int(np.count_nonzero(~np.isfinite(vmaf)))
        if unusable:
            raise InputError(
                "the head does not exist, and there is no VMAF to fall back on"
                + (f" in {unusable} of {vmaf.size} rows" if vmaf.ndim else ""),
                where=str(self.path),
                fix=f"Correct --onnx, or give the table a column {VMAF_COLUMN}",
                code="prediction.no-head-and-no-vmaf",
            )
        warnings.warn(
            f"{self.path}: the head does not exist; MOS is (VMAF - 30) / 14 instead, "
            "a formula that was never checked against ratings",
            VmafFallbackWarning,
            stacklevel=3,
        )
        mos = vmaf_linear(vmaf)
        if mos.ndim == 0:
            return Prediction(float(mos), "vmaf-linear")
        return Predictions(mos, "vmaf-linear")

    def _check_status(self, head: HeadFile, *, strict: bool) -> None:
        if head.metadata.status == "Accepted":
            return
        real = head.metadata.corpus_kind == "real"
        reason = "it has not passed the gate" if real else "synthetic rows trained it"
        _proposed(self.path, f"the head is {head.metadata.status}: {reason}", strict=strict)

    def _folds(self) -> Any:
        """Return the session of the fold models, opened on first use."""
        if self._fold_session is None:
            assert self.head is not None
            self._fold_session = self.head.fold_session()
        return self._fold_session


class _Intervals:
    """Intervals of some predictions, computed on first use: they cost one more model per fold."""

    __slots__ = ("_feed_at", "_folds", "_made", "_mos", "_predictor", "_scales")

    def __init__(self, predictor: Predictor, mos: Any, feed_at: FeedAt) -> None:
        self._predictor = predictor
        self._mos = mos
        self._feed_at = feed_at
        self._folds: Float32 | None = None
        self._scales: Float32 = np.empty((0, 0), np.float32)
        self._made: dict[float, tuple[Array, Array]] | None = None

    def __call__(self, alpha: float | None) -> tuple[Array, Array]:
        alpha = self._predictor.alpha if alpha is None else alpha
        if self._made is None:
            self._made = {}
        if alpha not in self._made:
            self._made[alpha] = self._make(alpha)
        return self._made[alpha]

    def _make(self, alpha: float) -> tuple[Array, Array]:
        check_alpha(alpha)
        conformal = self._predictor._conformal
        assert conformal is not None
        rows = len(self._mos)
        low, high = np.empty(rows), np.empty(rows)
        first_time = self._folds is None
        if self._folds is None:
            self._folds = np.empty((rows, conformal.n_folds), np.float32)
            self._scales = np.ones((rows, conformal.n_folds), np.float32)
        folds, scales, domain = self._folds, self._scales, self._predictor._domain
        session = self._predictor._folds()

        def interval(start: int) -> None:
            block = slice(start, start + BLOCK_ROWS)
            if first_time:
                feed, repairs = self._feed_at(start)
                folds[block] = session.run(None, feed)[0]
                if domain is not None:
                    scales[block] = domain.scales(feed[FEATURES], repairs.missing)
            low[block], high[block] = conformal.interval(
                self._mos[block], folds[block], alpha, None if domain is None else scales[block]
            )

        for _ in over_blocks(interval, rows):
            pass
        if (scale := self._predictor._scale) is not None:
            return scale(low), scale(high)
        return low, high


def _proposed(path: Path, problem: str, *, strict: bool) -> None:
    if strict:
        raise InputError(
            problem,
            where=str(path),
            fix="Use an Accepted head, or allow this one by leaving strict out",
            code="head.not-accepted",
        )
    warnings.warn(f"{path}: {problem}", ProposedHeadWarning, stacklevel=4)


def _as_table(features: Any) -> pa.Table:
    if isinstance(features, pa.Table):
        return features
    if isinstance(features, pa.RecordBatch):
        return pa.Table.from_batches([features])
    return pa.table(features)

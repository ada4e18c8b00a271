"""Aligning the MOS of several corpora while training on one scale (ITU-T P.1401, 7.3.2).

MOS of different experiments do not share a scale: raters, displays and the other clips of a session
move it. One corpus is the reference, and each other one has a map from the common scale to its own.
Maps and a ridge regression of the features are fitted in turn (nested least squares; INLSA, Pinson
and Wolf 2003): the regression predicts common-scale MOS, each map is the regression of a corpus's
MOS on predictions that had not seen the row, and its inverse brings the MOS to the common scale.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from provenance.toolkit import InputError

from moshead.baselines.ridge import Scaling
from moshead.domain import Description
from moshead.features.domain import MOS_RANGE
from moshead.scales.mapping import MonotoneMap, fit_map, identity, line, rising

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from moshead.corpus.corpus import Corpus
    from moshead.features.domain import Array

    Indices = NDArray[np.int64]

AlignKind = Literal["none", "linear", "monotone"]
ALIGN_KINDS: tuple[AlignKind, ...] = ("none", "linear", "monotone")

_ROUNDS = 12
_PENALTIES = np.logspace(-1, 5, 25)
_LEAST_SLOPE = 0.1
"""A corpus's scale is at least this steep in the common one, so that its map has an inverse."""

_LEAST_ROWS = 20
"""Rows of a corpus that its map is fitted to."""

_LEAST_OVERLAP = 0.1
"""Share of rows within the edge of the other corpus below which two corpora do not overlap."""

_LEAST_CORRELATION = 0.3
"""Correlation of held-out predictions with MOS below which the features cannot align a corpus."""


@dataclass(frozen=True)
class Alignment:
    """Maps between the scales of corpora, fitted to any set of training rows.

    Attributes:
        kind: ``linear`` or ``monotone``.
        reference: The corpus whose scale is the common one: that with the most rows.
        features: (N, F), NaN where a value is missing.
        mos: Labels, each on the scale of its corpus, (N,).
        corpora: Corpus of each row, (N,).
    """

    kind: AlignKind
    reference: str
    features: Array
    mos: Array
    corpora: NDArray[np.str_]
    _made: dict[bytes, dict[str, MonotoneMap]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, corpus: Corpus, kind: AlignKind) -> Alignment | None:
        """The alignment of a corpus's rows; None where none is asked for.

        Raises:
            InputError: The rows are of one corpus, or one has too few rows.
        """
        if kind == "none":
            return None
        names = corpus.corpus_names
        found, counts = np.unique([] if names is None else names, return_counts=True)
        if len(found) < 2:
            raise InputError(
                f"--align {kind} needs rows of several corpora, and the tables name "
                f"{'one' if len(found) else 'none'}",
                where=", ".join(corpus.sources),
                fix="Name the corpus of each table: --features NAME=PATH",
                code="training.nothing-to-align",
            )
        few = [f"{n} ({c})" for n, c in zip(found, counts, strict=True) if c < _LEAST_ROWS]
        if few:
            raise InputError(
                f"too few rows to align a scale: {', '.join(few)}",
                where=", ".join(corpus.sources),
                fix=f"Give {_LEAST_ROWS} rows or more of each corpus",
                code="training.few-rows-to-align",
            )
        assert names is not None
        reference = str(found[np.argmax(counts)])
        return cls(kind, reference, corpus.features, corpus.mos, names)

    def maps(self, rows: Indices) -> dict[str, MonotoneMap]:
        """The map of each corpus from the common scale to its own, from some rows alone."""
        identity_of_rows = rows.tobytes()
        if identity_of_rows not in self._made:
            self._made[identity_of_rows] = self._fit(rows)[0]
        return self._made[identity_of_rows]

    def common(self, rows: Indices) -> Array:
        """Labels of all rows on the common scale, under the maps of some rows, (N,)."""
        labels = self.mos.copy()
        for name, mapping in self.maps(rows).items():
            own = self.corpora == name
            if name != self.reference:
                labels[own] = mapping.inverse()(self.mos[own])
        return labels

    def own(self, rows: Indices, judged: Indices, predicted: Array) -> Array:
        """Predictions of judged rows on the scale of their corpus, (n,)."""
        found = predicted.copy()
        for name, mapping in self.maps(rows).items():
            own = self.corpora[judged] == name
            if name != self.reference:
                found[own] = mapping(predicted[own])
        return found

    def to_dict(self, rows: Indices) -> dict[str, Any]:
        """The alignment of some rows as JSON: ``kind, reference, maps, doubts``."""
        maps, agreement = self._fit(rows)
        return {
            "kind": self.kind,
            "reference": self.reference,
            "maps": {name: mapping.to_dict() for name, mapping in sorted(maps.items())},
            "doubts": self._doubts(rows, agreement),
        }

    def _fit(self, rows: Indices) -> tuple[dict[str, MonotoneMap], dict[str, float]]:
        predict = _HeldOutRidge(self.features[rows], self.mos[rows])
        mos, corpora = self.mos[rows], self.corpora[rows]
        names = [str(name) for name in np.unique(corpora)]
        where = {name: corpora == name for name in names}
        common = mos.copy()
        lines = dict.fromkeys(names, (0.0, 1.0))
        predicted = predict(common)
        for _ in range(_ROUNDS):
            if self.reference in where:
                # The common scale is that of the reference, whatever the ridge shrinks.
                a, b = _line(predicted[where[self.reference]], mos[where[self.reference]])
                predicted = a + b * predicted
            for name in names:
                if name != self.reference:
                    lines[name] = a, b = _line(predicted[where[name]], mos[where[name]])
                    common[where[name]] = np.clip((mos[where[name]] - a) / b, *MOS_RANGE)
            predicted = predict(common)
        maps = {}
        for name in names:
            if name == self.reference:
                maps[name] = identity()
            elif self.kind == "linear":
                maps[name] = line(*lines[name]).rounded()
            else:
                own = where[name]
                maps[name] = rising(fit_map(predicted[own], mos[own]), _LEAST_SLOPE).rounded()
        agreement = {
            name: float(np.corrcoef(predicted[own], mos[own])[0, 1]) if own.sum() > 2 else 0.0
            for name, own in where.items()
        }
        return maps, agreement

    def _doubts(self, rows: Indices, agreement: dict[str, float]) -> list[str]:
        """Why an alignment may not be identifiable."""
        mos, corpora = self.mos[rows], self.corpora[rows]
        features = self.features[rows]
        parts = {name: features[corpora == name] for name in agreement}
        known = {n: Description.of(parts[n], mos[corpora == n]) for n in parts}
        doubts = []
        for name in sorted(parts):
            if not agreement[name] >= _LEAST_CORRELATION:
                doubts.append(
                    f"The features say too little of MOS on {name} (a correlation of "
                    f"{agreement[name]:.2f} on held-out rows) to align its scale"
                )
            if name == self.reference:
                continue
            overlap = (
                max(_inside(known[other], parts[name]) for other in parts if other != name),
                max(_inside(known[name], parts[other]) for other in parts if other != name),
            )
            if max(overlap) < _LEAST_OVERLAP:
                doubts.append(
                    f"The scale of {name} cannot be told from its content: its rows and those of "
                    f"the other corpora do not overlap in features (at most {max(overlap):.0%} "
                    "lie within the edge of the others)"
                )
        return doubts


def alignment_notes(alignment: dict[str, Any]) -> list[str]:
    """Say on which scale a head was trained, and what is in doubt.

    Args:
        alignment: From :meth:`Alignment.to_dict`.
    """
    others = ", ".join(name for name in alignment["maps"] if name != alignment["reference"])
    return [
        f"Trained on the MOS scale of {alignment['reference']}, to which that of {others} was "
        f"aligned (--align {alignment['kind']}) on the training rows of each fold alone; "
        "predict --corpus NAME answers on the scale of NAME. Every figure is on each row's own "
        "scale.",
        *(f"{doubt}: do not trust its alignment." for doubt in alignment["doubts"]),
    ]


def _inside(known: Description, features: Array) -> float:
    return float(np.mean(known.deviations(features, np.isnan(features)) <= known.edge))


def _line(x: Array, mos: Array) -> tuple[float, float]:
    """Offset and slope of a regression of MOS on predictions, with a least slope."""
    centred = x - x.mean()
    spread = float(centred @ centred)
    slope = float(centred @ mos) / spread if spread > 1e-12 else 1.0
    slope = max(slope, _LEAST_SLOPE)
    return float(mos.mean() - slope * x.mean()), slope


class _HeldOutRidge:
    """Predictions of ridge regression for each row by the others, for any labels of the rows.

    The leave-one-out prediction is ``(H y - h y) / (1 - h)`` with the hat matrix H and its diagonal
    h; one decomposition serves all labels. The penalty is chosen on the labels as they are.
    """

    def __init__(self, features: Array, mos: Array) -> None:
        self._u, s, _ = np.linalg.svd(Scaling.fit(features)(features), full_matrices=False)
        self._squares = s**2
        errors = [float(np.mean((mos - self._loo(mos, p)) ** 2)) for p in _PENALTIES]
        self._penalty = float(_PENALTIES[int(np.argmin(errors))])

    def __call__(self, labels: Array) -> Array:
        return self._loo(labels, self._penalty)

    def _loo(self, labels: Array, penalty: float) -> Array:
        kept = self._squares / (self._squares + penalty)
        n = len(labels)
        mean = labels.mean()
        fitted = mean + self._u @ (kept * (self._u.T @ (labels - mean)))
        leverage = np.minimum(1 / n + (self._u**2) @ kept, 0.99)
        return np.asarray((fitted - leverage * labels) / (1 - leverage))

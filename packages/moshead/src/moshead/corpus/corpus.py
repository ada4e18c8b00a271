"""A corpus: labelled rows of feature tables, and counts of everything that was dropped."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from moshead.features.matrix import shares

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa
    from numpy.typing import NDArray

    from moshead.features.domain import Array
    from moshead.features.schemas import FeatureSchema


NO_CORPUS = "(no corpus)"
"""Stands for rows that name no corpus, beside rows that do."""


@dataclass(frozen=True)
class Corpus:
    """Labelled rows.

    Attributes:
        schema: The feature schema, resolved.
        features: (N, F) float64, NaN where a value is not finite.
        mos: (N,), in [1, 5].
        keys: Value of the key column of each row, as text.
        clip_keys: Clip key of each row: what its table's rule makes of that value.
        key_sources: Where each table keeps its clip keys, one object a table.
        units: Which rows must stay together, (N,): the same clip, the same group.
        equal_rows: Rows whose feature values equal those of another clip, to the last bit.
        groups: Group of each row, or None.
        splits: Split of each row (``train``, ``val``, ``test``), or None without a split column.
        standard_error: Of the MOS of each row, (N,), NaN if unknown.
        ratings: Number of ratings behind each MOS, (N,), NaN if unknown.
        corpora: Corpus of each row, empty where it has none; None where no table says.
        scores: Scores of second opinions by column, (N,) each, NaN where a table lacks them;
            whether a head reads them or not.
        tables: Path (None in memory) and schema of each table.
        rows_read: Rows of the tables, before any was dropped.
        dropped: Rows dropped, by reason.
        filled: Which rows were filled, (N,), by column that may be.
        constant: Columns that do not vary over the rows that train or judge a head: all but
            those of the split ``test``.
        sources: What was read.
        texts: Columns whose names say that they name a content, each (N,), empty where unknown.
        notes: Sentences that belong in manifest and card.
        error_basis: What the standard errors rest on, a sentence; None where none is known.
    """

    schema: FeatureSchema
    features: Array
    mos: Array
    keys: tuple[str, ...]
    clip_keys: tuple[str, ...]
    units: NDArray[np.int64]
    groups: tuple[str, ...] | None
    splits: NDArray[np.str_] | None
    standard_error: Array
    ratings: Array
    corpora: tuple[str, ...] | None
    scores: dict[str, Array]
    tables: tuple[tuple[Path | None, pa.Schema], ...]
    rows_read: int
    dropped: dict[str, int]
    filled: dict[str, NDArray[np.bool_]]
    constant: tuple[str, ...]
    sources: tuple[str, ...]
    key_sources: tuple[dict[str, Any], ...] = ()
    equal_rows: int = 0
    texts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    error_basis: str | None = None

    @property
    def clips(self) -> int:
        """Distinct clip keys."""
        return len(set(self.clip_keys))

    @property
    def corpus_names(self) -> NDArray[np.str_] | None:
        """Name of the corpus of each row, (N,); :data:`NO_CORPUS` where it has none."""
        if self.corpora is None or not any(self.corpora):
            return None
        return np.asarray([name or NO_CORPUS for name in self.corpora])

    @property
    def fill(self) -> dict[str, float]:
        """Share of rows filled, by column that may be."""
        return shares(self.filled)

    @property
    def imputed(self) -> dict[str, int]:
        """Values that are NaN, by column that has any."""
        counts = np.isnan(self.features).sum(axis=0)
        return {
            name: int(count)
            for name, count in zip(self.schema.columns, counts, strict=True)
            if count
        }

    def take(self, rows: NDArray[np.int64]) -> Corpus:
        """The corpus of some of its rows; counts of what was read stay."""
        _, units = np.unique(self.units[rows], return_inverse=True)
        return replace(
            self,
            features=self.features[rows],
            mos=self.mos[rows],
            keys=tuple(self.keys[row] for row in rows),
            clip_keys=tuple(self.clip_keys[row] for row in rows),
            units=units,
            groups=None if self.groups is None else tuple(self.groups[row] for row in rows),
            splits=None if self.splits is None else self.splits[rows],
            standard_error=self.standard_error[rows],
            ratings=self.ratings[rows],
            corpora=None if self.corpora is None else tuple(self.corpora[row] for row in rows),
            scores={name: values[rows] for name, values in self.scores.items()},
            filled={name: where[rows] for name, where in self.filled.items()},
            texts={name: tuple(t[row] for row in rows) for name, t in self.texts.items()},
        )

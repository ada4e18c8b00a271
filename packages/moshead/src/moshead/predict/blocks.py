"""Prepare feature rows for the runtime: imputed float32 blocks and an encoder one-hot."""

from __future__ import annotations

import math
import operator
from array import array
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from provenance.toolkit import InputError, processors

from moshead.features.arrow import is_number
from moshead.features.derivations import OWN_NAME_IS_RAW
from moshead.features.matrix import feature_matrix, members_of
from moshead.heads.graph_names import ENCODER, FEATURES

if TYPE_CHECKING:
    from moshead.export.metadata import HeadMetadata

Float32 = NDArray[np.float32]
Feed = dict[str, Float32]
"""The inputs of one call of the runtime."""

Result = TypeVar("Result")

UNNAMED_TABLE = "feature table"
"""Where errors are in a table that came without a path."""

BLOCK_ROWS = 4096
"""Rows given to the runtime at once: what it computes in between then stays in the processor's
cache, which is several times faster than a million rows in one call."""


@dataclass
class Repairs:
    """Missing values.

    Attributes:
        imputed: Rows that took the training median, by feature.
        filled: Rows that took the schema's fill value, by feature.
        missing: Where one block of rows was imputed, (N, F); None where nowhere.
    """

    imputed: dict[str, int] = field(default_factory=dict)
    filled: dict[str, int] = field(default_factory=dict)
    missing: NDArray[np.bool_] | None = None

    def add(self, other: Repairs) -> None:
        """Add the counts of another block."""
        for mine, theirs in ((self.imputed, other.imputed), (self.filled, other.filled)):
            for name, count in theirs.items():
                mine[name] = mine.get(name, 0) + count


NONE = Repairs()
"""Nothing repaired; not to be added to."""


class FeatureReader:
    """Turns rows into the inputs of one head.

    Args:
        metadata: What the head says about itself.
        display: Values of a display profile, for schemas with display columns.
    """

    def __init__(self, metadata: HeadMetadata, display: Mapping[str, float]) -> None:
        self.schema = metadata.schema
        self.columns = metadata.schema.columns
        self.members = members_of(metadata.schema)
        self.vocab = metadata.encoder_vocab
        self._display = dict(display)
        # Columns whose own name may hold a percentage or a word always go the careful way, and
        # rows with a gap do where something else than the median may fill it.
        self._plain = not OWN_NAME_IS_RAW.intersection(self.columns)
        self._gaps_are_medians = set(self.members) == set(self.columns) and not self.schema.fill
        # itemgetter of one name returns a bare value instead of a row.
        self._values = operator.itemgetter(*self.columns, self.columns[0])
        self._medians = np.array([metadata.imputation[c] for c in self.columns], np.float32)
        self._onehots = np.eye(len(self.vocab), dtype=np.float32)
        self._repeated: dict[tuple[str, int], Float32] = {}

    def mapping(self, features: Mapping[str, Any], codec: Any) -> tuple[Feed, Repairs]:
        """The inputs of one row given by name.

        Raises:
            InputError: A required feature is absent or no number, or the codec is unknown.
        """
        row = self._plain_row(features) if self._plain else None
        if row is not None:
            return {FEATURES: row, ENCODER: self._encoder(codec, 0, 1)}, NONE
        # Something is absent, null, not finite or under another name.
        known = {name: [features[name]] for name in self.members if name in features}
        try:
            table = pa.table(known or {"": [None]})
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
            raise InputError(
                f"the row holds a value that is not a number ({error})",
                fix="Give one number for each feature",
                code="prediction.not-a-number",
            ) from error
        matrix, repairs = self._table_matrix(table)
        return {FEATURES: matrix, ENCODER: self._encoder(codec, 0, 1)}, repairs

    def _plain_row(self, features: Mapping[str, Any]) -> Float32 | None:
        """The row where every feature is there under its own name, a finite number."""
        try:
            # An array of C floats is quicker than numpy's own, and infinite where they overflow.
            row = np.frombuffer(array("f", self._values(features)), np.float32)[:-1]
        except (KeyError, TypeError, ValueError, OverflowError):
            return None
        return row.reshape(1, -1) if math.isfinite(row.dot(row)) else None

    def array_feed(self, features: NDArray[Any], codec: Any, start: int) -> tuple[Feed, Repairs]:
        """The inputs of a block of rows given in feature order, (N, F), from row ``start``."""
        matrix, repairs = self._imputed(features[start : start + BLOCK_ROWS])
        return {FEATURES: matrix, ENCODER: self._encoder(codec, start, len(matrix))}, repairs

    def table_feed(self, features: pa.Table, codec: Any, start: int) -> tuple[Feed, Repairs]:
        """The inputs of a block of a table's rows, from row ``start``."""
        matrix, repairs = self._table_matrix(features.slice(start, BLOCK_ROWS))
        return {FEATURES: matrix, ENCODER: self._encoder(codec, start, len(matrix))}, repairs

    def selected(self, features: pa.Table) -> pa.Table:
        """A table with only those columns that a prediction can draw on.

        Raises:
            InputError: One that may not be filled is absent.
        """
        names = [name for name in self.members if name in features.column_names]
        if not names or not features.num_rows:
            # Nothing to predict, but still told what it lacks.
            self._table_matrix(features)
        return features.select(names)

    def _table_matrix(self, table: pa.Table) -> tuple[Float32, Repairs]:
        if self._plain and (matrix := self._plain_matrix(table)) is not None:
            if np.isfinite(matrix).all():
                return matrix, NONE
            # Infinity here may be a large float64, which is a value and no gap.
            if self._gaps_are_medians and not np.isinf(matrix).any():
                return self._imputed(matrix)
        found = feature_matrix(self.schema, table, display=self._display, where=UNNAMED_TABLE)
        matrix, repairs = self._imputed(found.values)
        filled = {name: int(rows.sum()) for name, rows in found.filled.items() if rows.any()}
        return matrix, Repairs(repairs.imputed, filled, repairs.missing)

    def _plain_matrix(self, table: pa.Table) -> Float32 | None:
        """The matrix where every column is there under its own name and holds numbers."""
        fields = {field.name: field.type for field in table.schema}
        if not all(is_number(fields.get(name, pa.null())) for name in self.columns):
            return None
        with np.errstate(over="ignore"):
            parts: list[Float32] = [
                batch.to_tensor(null_to_nan=True, row_major=True).to_numpy().astype(np.float32)
                for batch in table.select(self.columns).to_batches()
            ]
        if len(parts) == 1:
            return parts[0]
        return np.concatenate([np.empty((0, len(self.columns)), np.float32), *parts])

    def _imputed(self, values: NDArray[Any]) -> tuple[Float32, Repairs]:
        finite = np.isfinite(values)
        with np.errstate(over="ignore"):  # the graph clips infinity like any other large value
            matrix = np.asarray(values, dtype=np.float32)
        if finite.all():
            return np.ascontiguousarray(matrix), NONE
        counts = len(values) - finite.sum(axis=0)
        imputed = {
            name: int(count) for name, count in zip(self.columns, counts, strict=True) if count
        }
        return np.where(finite, matrix, self._medians), Repairs(imputed, missing=~finite)

    def _encoder(self, codec: Any, start: int, rows: int) -> Float32:
        """The encoder one-hot of ``rows`` rows from row ``start``."""
        try:
            if not isinstance(codec, str):
                return self._onehots[[self.vocab.index(c) for c in codec[start : start + rows]]]
            repeated = self._repeated.get((codec, rows))
            if repeated is None:
                slot = self.vocab.index(codec)
                repeated = np.repeat(self._onehots[slot : slot + 1], rows, axis=0)
                if rows in (1, BLOCK_ROWS):
                    self._repeated[codec, rows] = repeated
            return repeated
        except ValueError as error:
            unknown = {codec} if isinstance(codec, str) else set(codec) - set(self.vocab)
            raise InputError(
                f"the codec {', '.join(map(repr, sorted(unknown, key=str)))} is not in the "
                f"head's encoder vocabulary ({', '.join(self.vocab)})",
                fix=f"Give codec={self.vocab[0]!r}",
                code="prediction.unknown-codec",
            ) from error


def check_codecs(codec: Any, rows: int) -> None:
    """Refuse a list of codecs that does not have one for each row.

    Raises:
        InputError: Naming both counts.
    """
    if not isinstance(codec, str) and len(codec) != rows:
        raise InputError(
            f"{len(codec)} codecs were given for {rows} rows",
            fix="Give one codec, or one for each row",
            code="prediction.codec-count",
        )


def over_blocks(work: Callable[[int], Result], rows: int) -> Iterator[Result]:
    """Run ``work`` for each block of rows, on all processors if there are many blocks.

    Args:
        work: Called with the first row of each block.
        rows: Rows in all.

    Yields:
        What ``work`` returned, in the order of the blocks.
    """
    starts = range(0, rows, BLOCK_ROWS)
    workers = min(len(starts) // 2, processors())
    if workers < 2:
        yield from map(work, starts)
        return
    with ThreadPoolExecutor(workers) as pool:
        yield from pool.map(work, starts)

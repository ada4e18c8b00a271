"""Read the needed columns of a table: all rows, or a seeded sample of a very long table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypedDict

import labeljoin
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from signalaudit.tables.columns import names

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from provenance.toolkit import ProgressCallback

    from signalaudit.tables.columns import ColumnPlan

MAX_CELLS = 100_000_000
"""How many numbers are held at once, 8 bytes each: 1,000,000 rows of 100 columns fit."""

MAX_ROWS = 2_000_000
"""How many rows are held at once, even with few columns."""

_COLUMNS_AT_ONCE = 16
LABEL_NOISE_COLUMNS = ("mos_std_dev", "mos_n_ratings", "mos_standard_error")


class CategorySummary(TypedDict):
    """How often a category has a value, and how many distinct values it has."""

    present_ratio: float
    distinct: int


@dataclass
class Sample:
    """The rows of a table that the audit reads.

    Attributes:
        rows_total: Rows of the table.
        values: Shape (rows, columns), float64, Fortran order; NaN for null.
        columns: The columns of ``values``: signals, then targets.
        keys: One clip key per row.
        keyed: Whether ``keys`` come from a key column; they are row numbers otherwise.
        key_codes: A whole number per row, equal for rows of one clip key; None without keys.
        group_codes: A whole number per row, -1 for null; None without groups.
        group_names: The groups that the codes stand for.
        categories: Per category column: share of rows with a value, and distinct values.
        label_noise: Those of :data:`LABEL_NOISE_COLUMNS` that the table has.
        method: ``all`` or ``sample``.
    """

    rows_total: int
    values: NDArray[np.float64]
    columns: list[str]
    keys: pa.StringArray
    keyed: bool
    key_codes: NDArray[np.int64] | None
    group_codes: NDArray[np.int64] | None
    group_names: list[str]
    categories: dict[str, CategorySummary]
    label_noise: dict[str, NDArray[np.float64]]
    method: Literal["all", "sample"]
    _index: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self._index = {name: place for place, name in enumerate(self.columns)}

    @property
    def rows(self) -> int:
        """How many rows were kept."""
        return int(self.values.shape[0])

    def column(self, name: str) -> NDArray[np.float64]:
        """Return the values of one column, shape (rows,)."""
        return self.values[:, self._index[name]]

    def places(self, wanted: list[str]) -> list[int]:
        """Return the indices of columns in ``values``."""
        return [self._index[name] for name in wanted]


def read_sample(
    table: labeljoin.Table,
    plan: ColumnPlan,
    *,
    seed: int,
    max_rows: int | None = None,
    progress: ProgressCallback | None = None,
) -> Sample:
    """Read only the columns that the plan needs.

    Up to :data:`MAX_CELLS` numbers and :data:`MAX_ROWS` rows are read whole; beyond that, a
    uniform sample without replacement, drawn by ``seed``.

    Args:
        table: The opened table.
        plan: The roles of its columns.
        seed: Seed of the sample.
        max_rows: How many rows to keep at most; None keeps what fits in the limits.
        progress: Called with the step, the rows read and the total number of rows.
    """
    numeric = names([*plan.signals, *plan.of_role("target"), *plan.of_role("other_target")])
    noise = [name for name in LABEL_NOISE_COLUMNS if name in table.column_names]
    noise = [name for name in noise if name not in numeric]
    read = [*numeric, *noise]
    texts = list(
        dict.fromkeys(
            [each for each in (plan.key, plan.group) if each is not None]
            + names(plan.of_role("category"))
        )
    )
    total = table.row_count()
    limit = min(MAX_ROWS, max(2_000, MAX_CELLS // max(len(read), 1)), max_rows or total)
    chosen = None
    if total > limit:
        generator = np.random.default_rng(seed)
        chosen = np.sort(generator.choice(total, size=limit, replace=False, shuffle=False))
    kept = total if chosen is None else limit
    values = np.empty((kept, len(read)), dtype=np.float64, order="F")
    columnar = table.format == "parquet"
    # A batch of a wide parquet table would take as much memory as the sample itself.
    step = _COLUMNS_AT_ONCE if columnar else max(len(read), 1)
    passes = [read[start : start + step] for start in range(0, max(len(read), 1), step)]
    collected: dict[str, list[pa.Array]] = {name: [] for name in texts}
    for number, part in enumerate(passes):
        extra = texts if number == 0 else []
        wanted = list(dict.fromkeys([*part, *extra]))
        if not wanted:
            break
        offset = number * step
        start = position = 0
        text_columns = [plan.key] if plan.key in wanted and plan.key not in part else []
        for batch in table.batches(wanted, text_columns=text_columns):
            rows = batch.num_rows
            take = None
            if chosen is not None:
                low, high = np.searchsorted(chosen, (start, start + rows))
                take = chosen[low:high] - start
            size = rows if take is None else take.size
            for place, name in enumerate(part):
                numbers = as_numbers(batch.column(name))
                values[position : position + size, offset + place] = (
                    numbers if take is None else numbers[take]
                )
            for name in extra:
                array = batch.column(name)
                collected[name].append(array if take is None else array.take(pa.array(take)))
            start += rows
            position += size
            if progress:
                progress("reading", start + number * total, total * len(passes))
    combined = {name: _combine(parts) for name, parts in collected.items()}
    collected.clear()
    pa.default_memory_pool().release_unused()
    known = labeljoin.joining.remembered_key(table)
    rule = (
        known.rule if known is not None and known.column == plan.key else labeljoin.keys.KeyRule()
    )
    return _assemble(
        plan, rule, numeric, noise, values, combined, total, sampled=chosen is not None
    )


def as_numbers(array: pa.Array) -> NDArray[np.float64]:
    """Return the values of an Arrow array as float64, NaN for null."""
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_boolean(array.type):
        array = array.cast(pa.uint8())
    if not pa.types.is_float64(array.type):
        array = pc.cast(array, pa.float64(), safe=False)
    numbers: NDArray[np.float64] = array.to_numpy(zero_copy_only=False)
    return numbers


def _combine(parts: list[pa.Array]) -> pa.Array:
    if not parts:
        return pa.array([], pa.string())
    combined = pa.chunked_array(parts).combine_chunks()
    return combined.dictionary_decode() if pa.types.is_dictionary(combined.type) else combined


def _assemble(
    plan: ColumnPlan,
    rule: labeljoin.keys.KeyRule,
    numeric: list[str],
    noise: list[str],
    values: NDArray[np.float64],
    texts: dict[str, pa.Array],
    total: int,
    *,
    sampled: bool,
) -> Sample:
    rows = values.shape[0]
    keys, codes = _keys(texts[plan.key], rule) if plan.key else (None, None)
    if keys is None:
        keys = pa.array([f"row {number}" for number in range(1, rows + 1)], pa.string())
    group_codes: NDArray[np.int64] | None = None
    group_names: list[str] = []
    if plan.group is not None:
        group_codes, group_names = _codes(texts[plan.group].cast(pa.string()))
    categories: dict[str, CategorySummary] = {}
    for column in plan.of_role("category"):
        array = texts[column.name]
        categories[column.name] = {
            "present_ratio": 1 - array.null_count / rows if rows else 0.0,
            "distinct": len(array.unique().drop_null()),
        }
    label_noise = {name: values[:, len(numeric) + place] for place, name in enumerate(noise)}
    return Sample(
        rows_total=total,
        values=values[:, : len(numeric)],
        columns=numeric,
        keys=keys,
        keyed=codes is not None,
        key_codes=codes,
        group_codes=group_codes,
        group_names=group_names,
        categories=categories,
        label_noise=label_noise,
        method="sample" if sampled else "all",
    )


def _keys(
    values: pa.Array, rule: labeljoin.keys.KeyRule
) -> tuple[pa.StringArray, NDArray[np.int64]]:
    """Return clip keys by ``rule``, or the values themselves if ``auto`` would merge some."""
    result = rule.keys(values)
    keys = result.keys
    if rule.guesses and result.folded:
        keys = labeljoin.keys.KeyRule(normalize="raw").keys(values).keys
    codes, _ = _codes(keys)
    # A row without a key is a clip of its own.
    keyless = np.flatnonzero(codes < 0)
    codes[keyless] = codes.max(initial=0) + 1 + np.arange(keyless.size)
    return pc.fill_null(keys, "(no key)"), codes


def _codes(values: pa.Array) -> tuple[NDArray[np.int64], list[str]]:
    encoded = values.dictionary_encode()
    codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    return codes, [str(name) for name in encoded.dictionary.to_pylist()]

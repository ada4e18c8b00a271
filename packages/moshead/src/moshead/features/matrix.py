"""Feature values: from a table's columns to the matrix that a head reads.

The same rules serve training, validation and prediction, so that a row means the same in all
three.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from provenance.toolkit import InputError, read_json

from moshead.features.columns import Columns
from moshead.features.derivations import DERIVED, DISPLAY_COLUMNS, OWN_NAME_IS_RAW

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from moshead.features.domain import Array
    from moshead.features.schemas import FeatureSchema


@dataclass(frozen=True)
class FeatureMatrix:
    """Feature values of N rows.

    Attributes:
        values: (N, F) float64 in schema order; NaN where a value is not finite and will take the
            training median.
        filled: Which rows were filled, (N,), for each column that the schema allows to fill.
        absent: Fillable columns that the table does not have at all.
        imputed: Number of values that are NaN, for each column that has any.
        infinite: Number of values that were infinite, for each column that had any.
    """

    values: Array
    filled: dict[str, NDArray[np.bool_]]
    absent: tuple[str, ...]
    imputed: dict[str, int]
    infinite: dict[str, int]

    @property
    def fill(self) -> dict[str, float]:
        """Share of rows filled, for each column that the schema allows to fill."""
        return shares(self.filled)


def shares(filled: Mapping[str, NDArray[np.bool_]]) -> dict[str, float]:
    """Return the share of marked rows of each column; 0 for a table without rows."""
    return {name: float(rows.mean()) if rows.size else 0.0 for name, rows in filled.items()}


def members_of(schema: FeatureSchema) -> tuple[str, ...]:
    """Return the table columns that the schema's columns can be computed from."""
    names: dict[str, None] = {}
    for column in schema.columns:
        names[column] = None
        if column in DERIVED:
            names.update(dict.fromkeys(DERIVED[column].members))
    return tuple(names)


def feature_matrix(
    schema: FeatureSchema,
    table: pa.Table,
    *,
    display: Mapping[str, float] | None = None,
    where: str = "feature table",
) -> FeatureMatrix:
    """Read the schema's columns from a table.

    A column that is absent or null takes its derived value (``<name>_mean`` for VMAF's six, and
    the rules of FORMATS for CHUG), then the display profile's, then the schema's fill.

    Args:
        schema: The columns, resolved.
        table: At least the columns of :func:`members_of` that the table has.
        display: Values of a display profile, see :func:`read_display_profile`.
        where: How to name the table in errors.

    Raises:
        InputError: A column that may not be filled is absent, or one holds no numbers.

    Example:
        >>> import pyarrow as pa
        >>> from moshead.features import FeatureSchema
        >>> schema = FeatureSchema("two-v1", ("niqe", "cuts"), ("niqe",), {"cuts": 0.0})
        >>> feature_matrix(schema, pa.table({"niqe": [3.5, 4.0]})).values.tolist()
        [[3.5, 0.0], [4.0, 0.0]]
    """
    columns = Columns(table, where)
    matrix = np.empty((table.num_rows, len(schema.columns)), dtype=np.float64)
    filled: dict[str, NDArray[np.bool_]] = {}
    infinite: dict[str, int] = {}
    absent: list[str] = []
    refused: list[str] = []
    for index, name in enumerate(schema.columns):
        values, known = _column(columns, name, display or {})
        if name in schema.fill:
            filled[name] = ~known
            values = np.where(known, values, schema.fill[name])
            if not known.any():
                absent.append(name)
        elif not _present(columns, name, display or {}):
            refused.append(name)
        if count := int(np.isinf(values).sum()):
            infinite[name] = count
        matrix[:, index] = np.where(np.isfinite(values), values, np.nan)
    if refused:
        raise InputError(
            f"the table lacks columns that schema {schema.id} needs: {', '.join(refused)}",
            where=where,
            fix="Join them, or use a schema that does without them or fills them",
            code="features.columns-missing",
        )
    counts = np.isnan(matrix).sum(axis=0)
    imputed = {
        name: int(count) for name, count in zip(schema.columns, counts, strict=True) if count
    }
    return FeatureMatrix(matrix, filled, tuple(absent), imputed, infinite)


def _present(columns: Columns, name: str, display: Mapping[str, float]) -> bool:
    sources = (name, *(DERIVED[name].members if name in DERIVED else ()))
    return name in display or any(source in columns.table.column_names for source in sources)


def _column(
    columns: Columns, name: str, display: Mapping[str, float]
) -> tuple[Array, NDArray[np.bool_]]:
    """Values of one schema column, and where a row (or the display) has one at all."""
    values = np.full(columns.rows, np.nan)
    known = np.zeros(columns.rows, dtype=bool)
    if name not in OWN_NAME_IS_RAW:
        own = columns.number(name)
        if own is not None:
            values, known = own, ~columns.missing(name)
    if name in DERIVED and not np.isfinite(values).all():
        derived = DERIVED[name].compute(columns)
        use = ~np.isfinite(values) & ~np.isnan(derived)
        values, known = np.where(use, derived, values), known | use
    if name in display:
        use = ~np.isfinite(values)
        values, known = np.where(use, display[name], values), known | use
    return values, known


def column_medians(features: Array) -> Array:
    """Median of the finite values of each column, (F,); 0 where a column has none.

    Args:
        features: (N, F), NaN where a value is missing.
    """
    medians = np.zeros(features.shape[1])
    complete = ~np.isnan(features).any(axis=0)
    medians[complete] = np.median(features[:, complete], axis=0)
    for column in np.flatnonzero(~complete):
        known = features[~np.isnan(features[:, column]), column]
        medians[column] = np.median(known) if known.size else 0.0
    return medians


def impute(features: Array, medians: Array) -> Array:
    """Features with ``medians`` (F,) in place of NaN."""
    return np.where(np.isnan(features), medians, features)


def read_display_profile(path: Path) -> dict[str, float]:
    """Read a display profile: what each display column is on the display that it describes.

    Args:
        path: JSON with ``peak_nits, black_nits, ambient_lux, bt2020_coverage, p3_coverage,
            panel_type, local_dimming, tone_mapping``, in a member ``display`` or bare.

    Raises:
        InputError: The file is unreadable or describes no display.

    Examples:
        >>> from pathlib import Path
        >>> _ = Path("tv.json").write_text('{"peak_nits": 1000}')
        >>> read_display_profile(Path("tv.json"))
        {'display_peak_luminance_nits_norm': 0.1}
    """
    document = read_json(path, "The display profile")
    members: Any = document.get("display", document) if isinstance(document, dict) else None
    if not isinstance(members, dict):
        raise InputError(
            "the display profile is not a JSON object",
            where=str(path),
            fix="Give an object",
            code="display-profile.not-an-object",
        )
    scalars = {
        name: [str(value).lower() if isinstance(value, bool) else value]
        for name, value in members.items()
        if isinstance(value, int | float | str)
    }
    columns = Columns(pa.table(scalars) if scalars else pa.table({"": [0]}), str(path))
    profile: dict[str, float] = {}
    for name in DISPLAY_COLUMNS:
        values, _ = _column(columns, name, {})
        if math.isfinite(values[0]):
            profile[name] = float(values[0])
    if not profile:
        raise InputError(
            "the display profile describes no display",
            where=str(path),
            fix="Give at least one of peak_nits, black_nits, ambient_lux, panel_type",
            code="display-profile.empty",
        )
    return profile

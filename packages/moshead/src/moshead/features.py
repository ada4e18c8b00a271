"""Feature values: from a table's columns to the matrix that a head reads.

Some columns of the built-in schemas are derived from other columns of a row (a bitrate label, a
frame size, a display). The same rules serve training, validation and prediction, so that a row
means the same in all three. They follow the trainer of ADR-0648.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from provenance import InputError

from moshead.network import Array

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from moshead.schemas import FeatureSchema

VMAF_SIX = ("adm2", "vif_scale0", "vif_scale1", "vif_scale2", "vif_scale3", "motion2")

_PEAK = ("display_peak_luminance_nits", "peak_luminance_nits", "peak_nits", "max_luminance_nits")
_BLACK = (
    "display_black_luminance_nits",
    "black_luminance_nits",
    "black_nits",
    "min_luminance_nits",
)
_CONTRAST = ("display_contrast_ratio", "contrast_ratio")
_AMBIENT = ("display_ambient_lux", "ambient_lux", "viewing_lux")
_BT2020 = ("bt2020_coverage", "rec2020_coverage")
_P3 = ("p3_coverage", "dci_p3_coverage")
_PANEL = ("display_panel_type", "panel_type", "display_type")
_DIMMING = ("local_dimming", "full_array_local_dimming")
_TONE = ("display_tone_mapping", "tone_mapping", "hdr_tone_mapping", "hdr_format")


@dataclass(frozen=True)
class FeatureMatrix:
    """Feature values of N rows.

    Attributes:
        values: (N, F) float64 in schema order; NaN where a value is not finite and wants the
            training median.
        fill: Share of rows filled, for each column that the schema allows to fill.
        absent: Fillable columns that the table does not have at all.
        imputed: Number of values that are NaN, for each column that has any.
    """

    values: Array
    fill: dict[str, float]
    absent: tuple[str, ...]
    imputed: dict[str, int]


class _Columns:
    """Columns of a table as arrays of numbers or words; what is null is NaN or None."""

    def __init__(self, table: pa.Table, where: str) -> None:
        self.table = table
        self.where = where
        self.rows = table.num_rows

    def number(self, name: str) -> Array | None:
        if name not in self.table.column_names:
            return None
        return numbers(self.table.column(name), name, where=self.where)

    def missing(self, name: str) -> NDArray[np.bool_]:
        if name not in self.table.column_names:
            return np.ones(self.rows, dtype=bool)
        return np.asarray(self.table.column(name).is_null())

    def words(self, name: str) -> list[str | None] | None:
        if name not in self.table.column_names:
            return None
        texts = self.table.column(name).cast(pa.string()).to_pylist()
        return [text.strip().lower() if text is not None else None for text in texts]

    def first_number(self, names: Iterable[str]) -> Array:
        values = np.full(self.rows, np.nan)
        for name in names:
            column = self.number(name)
            if column is not None:
                values = np.where(np.isnan(values), column, values)
        return values

    def first_words(self, names: Iterable[str]) -> list[str | None]:
        values: list[str | None] = [None] * self.rows
        for name in names:
            column = self.words(name)
            if column is not None:
                values = [old or new for old, new in zip(values, column, strict=True)]
        return values


def numbers(column: pa.ChunkedArray, name: str, *, where: str) -> Array:
    """A column as float64, NaN where null.

    Raises:
        InputError: The column holds something other than numbers.
    """
    kind = column.type
    try:
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            column = pc.if_else(pc.equal(pc.utf8_trim_whitespace(column), ""), None, column)
            column = pc.utf8_trim_whitespace(column)
        if pa.types.is_boolean(kind):
            column = column.cast(pa.uint8())
        # A chunked array of zero chunks has no dtype to convert from.
        values = column.cast(pa.float64()).to_numpy()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InputError(
            f"the feature column holds {kind} values that are not numbers",
            where=f"{where}, column {name}",
            fix="Give numbers, or leave the column out of the schema",
        ) from error
    return np.asarray(values, dtype=np.float64)


Derivation = Callable[[_Columns], Array]


@dataclass(frozen=True)
class _Derived:
    members: tuple[str, ...]
    compute: Derivation


def _scaled(member: str, divisor: float) -> _Derived:
    return _first_scaled((member,), divisor)


def _first_scaled(members: tuple[str, ...], divisor: float) -> _Derived:
    def compute(columns: _Columns) -> Array:
        values = columns.first_number(members)
        return np.where(values >= 0, values / divisor, np.nan)

    return _Derived(members, compute)


def _fraction(members: tuple[str, ...]) -> _Derived:
    def compute(columns: _Columns) -> Array:
        values = columns.first_number(members)
        values = np.where((values > 1) & (values <= 100), values / 100, values)
        return np.where((values >= 0) & (values <= 1), values, np.nan)

    return _Derived(members, compute)


def _each_word(members: tuple[str, ...], number: Callable[[str], float]) -> _Derived:
    """Numbers from words, NaN where there is no word or it means nothing."""

    def compute(columns: _Columns) -> Array:
        values = [math.nan if not w else number(w) for w in columns.first_words(members)]
        return np.asarray(values, dtype=np.float64)

    return _Derived(members, compute)


def bitrate_mbps(label: str) -> float:
    """Megabits a second from a ladder label: ``0.5M`` is 0.5, ``500K`` is 0.5.

    Returns NaN where the label is none.
    """
    match = re.fullmatch(r"([0-9]*\.?[0-9]+)\s*([kmg]?)b?(?:ps|/s)?", label.strip().lower())
    if match is None:
        return math.nan
    return float(match[1]) * {"k": 1e-3, "": 1.0, "m": 1.0, "g": 1e3}[match[2]]


def _bitrate(columns: _Columns) -> Array:
    labels = columns.first_words(("chug_bitrate_label",))
    values = np.asarray([bitrate_mbps(label) if label else math.nan for label in labels])
    kbps = columns.first_number(("bitrate_kbps",)) / 1000
    for other in (columns.first_number(("bitrate_mbps",)), kbps):
        values = np.where(np.isnan(values), other, values)
    return np.asarray(values, dtype=np.float64)


def _bit_depth(columns: _Columns) -> Array:
    return (columns.first_number(("feature_bitdepth",)) - 8) / 4


def _contrast(columns: _Columns) -> Array:
    ratio = columns.first_number(_CONTRAST)
    black = columns.first_number(_BLACK)
    with np.errstate(divide="ignore", invalid="ignore"):
        from_levels = np.where(black > 0, columns.first_number(_PEAK) / black, np.nan)
        ratio = np.where(np.isnan(ratio), from_levels, ratio)
        return np.where(ratio > 1, np.clip(np.log10(ratio) / 7, 0, 1), np.nan)


def _portrait(word: str) -> float:
    return {"p": 1.0, "l": 0.0}.get(word[0], math.nan)


def _boolean(word: str) -> float:
    if word in {"1", "1.0", "true", "yes", "on", "enabled"}:
        return 1.0
    return 0.0 if word in {"0", "0.0", "false", "no", "off", "disabled", "none"} else math.nan


def _oled(word: str) -> float:
    return float("oled" in word)


def _qled(word: str) -> float:
    return float("qled" in word or "quantum" in word)


def _lcd(word: str) -> float:
    if "oled" in word:
        return 0.0
    return float(any(token in word for token in ("lcd", "led", "ips")) or word == "va")


def _dynamic(word: str) -> float:
    """HDR10+ and Dolby Vision carry metadata per scene; HDR10 and HLG do not."""
    return float(any(token in word for token in ("dynamic", "hdr10+", "hdr10plus", "dolby")))


_DERIVED: dict[str, _Derived] = {
    **{name: _Derived((f"{name}_mean",), _scaled(f"{name}_mean", 1).compute) for name in VMAF_SIX},
    "chug_bitrate_mbps": _Derived(("chug_bitrate_label", "bitrate_mbps", "bitrate_kbps"), _bitrate),
    "chug_orientation_portrait": _each_word(("chug_orientation",), _portrait),
    "distorted_width_norm": _scaled("width", 3840),
    "distorted_height_norm": _scaled("height", 2160),
    "reference_width_norm": _scaled("feature_width", 3840),
    "reference_height_norm": _scaled("feature_height", 2160),
    "duration_s_norm": _scaled("duration_s", 60),
    "n_feature_frames_norm": _scaled("n_feature_frames", 1800),
    "feature_bitdepth_norm": _Derived(("feature_bitdepth",), _bit_depth),
    "display_peak_luminance_nits_norm": _first_scaled(_PEAK, 10_000),
    "display_black_luminance_nits_norm": _first_scaled(_BLACK, 1),
    "display_contrast_ratio_log_norm": _Derived((*_CONTRAST, *_PEAK, *_BLACK), _contrast),
    "display_ambient_lux_norm": _first_scaled(_AMBIENT, 1000),
    "display_bt2020_coverage": _fraction(("display_bt2020_coverage", *_BT2020)),
    "display_p3_coverage": _fraction(("display_p3_coverage", *_P3)),
    "display_panel_oled": _each_word(_PANEL, _oled),
    "display_panel_qled": _each_word(_PANEL, _qled),
    "display_panel_lcd": _each_word(_PANEL, _lcd),
    "display_local_dimming": _each_word(("display_local_dimming", *_DIMMING), _boolean),
    "display_tone_mapping_dynamic": _each_word(_TONE, _dynamic),
}
DISPLAY_COLUMNS = tuple(name for name in _DERIVED if name.startswith("display_"))
# These may be given as a percentage or a word under their own name, so that name is read as a
# member of the rule and not as the finished value.
OWN_NAME_IS_RAW = frozenset(
    {"display_bt2020_coverage", "display_p3_coverage", "display_local_dimming"}
)


def members_of(schema: FeatureSchema) -> tuple[str, ...]:
    """Table columns that the schema's columns can come from, wherever the table has them."""
    names: dict[str, None] = {}
    for column in schema.columns:
        names[column] = None
        if column in _DERIVED:
            names.update(dict.fromkeys(_DERIVED[column].members))
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
    """
    columns = _Columns(table, where)
    matrix = np.empty((table.num_rows, len(schema.columns)), dtype=np.float64)
    fill: dict[str, float] = {}
    absent: list[str] = []
    refused: list[str] = []
    for index, name in enumerate(schema.columns):
        values, known = _column(columns, name, display or {})
        if name in schema.fill:
            share = float(np.mean(~known)) if table.num_rows else 0.0
            fill[name] = share
            values = np.where(known, values, schema.fill[name])
            if not known.any():
                absent.append(name)
        elif not _present(columns, name, display or {}):
            refused.append(name)
        matrix[:, index] = np.where(np.isfinite(values), values, np.nan)
    if refused:
        raise InputError(
            f"the table lacks columns that schema {schema.id} needs: {', '.join(refused)}",
            where=where,
            fix="Join them, or use a schema that does without them or fills them",
        )
    counts = np.isnan(matrix).sum(axis=0)
    imputed = {
        name: int(count) for name, count in zip(schema.columns, counts, strict=True) if count
    }
    return FeatureMatrix(matrix, fill, tuple(absent), imputed)


def _present(columns: _Columns, name: str, display: Mapping[str, float]) -> bool:
    sources = (name, *(_DERIVED[name].members if name in _DERIVED else ()))
    return name in display or any(source in columns.table.column_names for source in sources)


def _column(
    columns: _Columns, name: str, display: Mapping[str, float]
) -> tuple[Array, NDArray[np.bool_]]:
    """Values of one schema column, and where a row (or the display) has one at all."""
    values = np.full(columns.rows, np.nan)
    known = np.zeros(columns.rows, dtype=bool)
    if name not in OWN_NAME_IS_RAW:
        own = columns.number(name)
        if own is not None:
            values, known = own, ~columns.missing(name)
    if name in _DERIVED and not np.isfinite(values).all():
        derived = _DERIVED[name].compute(columns)
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
    """
    try:
        document = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            "the display profile cannot be read as JSON",
            where=str(path),
            fix='Give e.g. {"display": {"peak_nits": 1000, "black_nits": 0.005}}',
        ) from error
    members: Any = document.get("display", document) if isinstance(document, dict) else None
    if not isinstance(members, dict):
        raise InputError(
            "the display profile is not a JSON object", where=str(path), fix="Give an object"
        )
    scalars = {
        name: [str(value).lower() if isinstance(value, bool) else value]
        for name, value in members.items()
        if isinstance(value, int | float | str)
    }
    columns = _Columns(pa.table(scalars) if scalars else pa.table({"": [0]}), str(path))
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
        )
    return profile

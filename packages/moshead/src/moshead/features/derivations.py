"""Derivations: schema columns that come from other columns of a row.

A bitrate from a label, a frame's share of 3840 by 2160, a display's properties. The rules follow
the trainer of ADR-0648.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from moshead.features.columns import Columns
    from moshead.features.domain import Array

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
class Derivation:
    """How a schema column is computed from other columns of a row.

    Attributes:
        members: The columns that it may be computed from.
        compute: Its values, (N,), NaN for rows that lack the inputs.
    """

    members: tuple[str, ...]
    compute: Callable[[Columns], Array]


def _same(member: str) -> Derivation:
    return Derivation((member,), lambda columns: columns.first_number((member,)))


def _scaled(member: str, divisor: float) -> Derivation:
    return _first_scaled((member,), divisor)


def _first_scaled(members: tuple[str, ...], divisor: float) -> Derivation:
    def compute(columns: Columns) -> Array:
        values = columns.first_number(members)
        return np.where(values >= 0, values / divisor, np.nan)

    return Derivation(members, compute)


def _fraction(members: tuple[str, ...]) -> Derivation:
    def compute(columns: Columns) -> Array:
        values = columns.first_number(members)
        values = np.where((values > 1) & (values <= 100), values / 100, values)
        return np.where((values >= 0) & (values <= 1), values, np.nan)

    return Derivation(members, compute)


def _each_word(members: tuple[str, ...], number: Callable[[str], float]) -> Derivation:
    """Turn words into numbers; NaN for a missing or unknown word."""

    def compute(columns: Columns) -> Array:
        values = [math.nan if not w else number(w) for w in columns.first_words(members)]
        return np.asarray(values, dtype=np.float64)

    return Derivation(members, compute)


def bitrate_mbps(label: str) -> float:
    """Convert a ladder label to megabits a second: ``0.5M`` is 0.5, ``500K`` is 0.5.

    Returns:
        NaN if the text is not such a label.
    """
    match = re.fullmatch(r"([0-9]*\.?[0-9]+)\s*([kmg]?)b?(?:ps|/s)?", label.strip().lower())
    if match is None:
        return math.nan
    return float(match[1]) * {"k": 1e-3, "": 1.0, "m": 1.0, "g": 1e3}[match[2]]


def _bitrate(columns: Columns) -> Array:
    labels = columns.first_words(("chug_bitrate_label",))
    values = np.asarray([bitrate_mbps(label) if label else math.nan for label in labels])
    kbps = columns.first_number(("bitrate_kbps",)) / 1000
    for other in (columns.first_number(("bitrate_mbps",)), kbps):
        values = np.where(np.isnan(values), other, values)
    return np.asarray(values, dtype=np.float64)


def _bit_depth(columns: Columns) -> Array:
    return (columns.first_number(("feature_bitdepth",)) - 8) / 4


def _contrast(columns: Columns) -> Array:
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


DERIVED: dict[str, Derivation] = {
    **{name: _same(f"{name}_mean") for name in VMAF_SIX},
    "chug_bitrate_mbps": Derivation(
        ("chug_bitrate_label", "bitrate_mbps", "bitrate_kbps"), _bitrate
    ),
    "chug_orientation_portrait": _each_word(("chug_orientation",), _portrait),
    "distorted_width_norm": _scaled("width", 3840),
    "distorted_height_norm": _scaled("height", 2160),
    "reference_width_norm": _scaled("feature_width", 3840),
    "reference_height_norm": _scaled("feature_height", 2160),
    "duration_s_norm": _scaled("duration_s", 60),
    "n_feature_frames_norm": _scaled("n_feature_frames", 1800),
    "feature_bitdepth_norm": Derivation(("feature_bitdepth",), _bit_depth),
    "display_peak_luminance_nits_norm": _first_scaled(_PEAK, 10_000),
    "display_black_luminance_nits_norm": _first_scaled(_BLACK, 1),
    "display_contrast_ratio_log_norm": Derivation((*_CONTRAST, *_PEAK, *_BLACK), _contrast),
    "display_ambient_lux_norm": _first_scaled(_AMBIENT, 1000),
    "display_bt2020_coverage": _fraction(("display_bt2020_coverage", *_BT2020)),
    "display_p3_coverage": _fraction(("display_p3_coverage", *_P3)),
    "display_panel_oled": _each_word(_PANEL, _oled),
    "display_panel_qled": _each_word(_PANEL, _qled),
    "display_panel_lcd": _each_word(_PANEL, _lcd),
    "display_local_dimming": _each_word(("display_local_dimming", *_DIMMING), _boolean),
    "display_tone_mapping_dynamic": _each_word(_TONE, _dynamic),
}
DISPLAY_COLUMNS = tuple(name for name in DERIVED if name.startswith("display_"))
# These may be given as a percentage or a word under their own name, so that name is read as a
# member of the rule and not as the finished value.
OWN_NAME_IS_RAW = frozenset(
    {"display_bt2020_coverage", "display_p3_coverage", "display_local_dimming"}
)

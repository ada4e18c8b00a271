"""Clip keys: how a value of a table becomes the string that identifies a clip on both sides."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from provenance.toolkit import InputError

from labeljoin.keys.expression import check_expression, search_all
from labeljoin.keys.modes import KEY_NORMALIZE_MODES, KeyNormalize
from labeljoin.keys.text import encode, normal_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

MEDIA_SUFFIXES = (
    *("mp4", "mkv", "webm", "mov", "avi", "m4v", "ts", "mts", "m2ts", "mpg", "mpeg", "m2v"),
    *("flv", "wmv", "3gp", "ogv", "mxf", "vob", "ivf", "obu", "h264", "h265", "hevc"),
    *("y4m", "yuv", "rgb", "png", "jpg", "jpeg", "bmp", "gif", "webp", "tif", "tiff", "avif"),
    *("heic", "exr", "dpx", "ppm", "pgm"),
)
"""Suffixes that ``auto`` removes, without their point, ignoring case."""

NULL = "null"
BLANK = "blank"
NO_REGEX_MATCH = "no-regex-match"
KEYLESS_REASONS = (NULL, BLANK, NO_REGEX_MATCH)
"""Why a value yields no clip key."""

_KNOWN_SUFFIX = rf"(?i)^(?:{'|'.join(MEDIA_SUFFIXES)})$"
_ANY_SUFFIX = r"(?s)."  # not a point at the very end


@dataclass(frozen=True)
class KeyResult:
    """The clip keys of one array of values.

    Attributes:
        keys: One clip key per value, null where the value yields none.
        reasons: How many values yield no key, by reason; the members of
            :data:`KEYLESS_REASONS`, all present.
        pairs: The normalised texts before the mode acted, and the key that each one yields, as
            two arrays of one length, hardly longer than there are distinct texts. Keyless ones
            are left out.
    """

    keys: pa.StringArray
    reasons: dict[str, int]
    pairs: tuple[pa.StringArray, pa.StringArray]

    @functools.cached_property
    def folded(self) -> dict[str, tuple[str, ...]]:
        """The keys that several distinct texts yield, with those texts, both sorted."""
        texts, keys = self.pairs
        grouped = (
            pa.table({"text": texts, "key": keys})
            .group_by("key")
            .aggregate([("text", "distinct"), ("text", "count_distinct")])
        )
        folds = grouped.filter(pc.greater(grouped["text_count_distinct"], 1))
        found = zip(folds["key"].to_pylist(), folds["text_distinct"].to_pylist(), strict=True)
        return {key: tuple(sorted(texts)) for key, texts in sorted(found)}

    @property
    def keyless(self) -> int:
        """How many values yield no key."""
        return sum(self.reasons.values())


@dataclass(frozen=True)
class Derivation:
    """What a rule made of some distinct texts, one element for each.

    Attributes:
        texts: The texts normalised, before the mode acted.
        keys: Their clip keys, null for a keyless text.
        reasons: Why a text is keyless: position in :data:`KEYLESS_REASONS`, -1 for a key.
    """

    texts: pa.StringArray
    keys: pa.StringArray
    reasons: NDArray[np.int8]


@dataclass(frozen=True)
class KeyRule:
    r"""How the values of one column become clip keys.

    A value is turned to text (integer-valued numbers, and text such as ``3339962845.0``, without
    the fraction), NFC-normalised and stripped; then ``normalize`` acts; then ``regex`` is
    searched in the result, and its first group wins, else the whole match.

    Args:
        normalize: ``raw`` does nothing more; ``basename`` keeps the last path part, ``/`` and
            ``\`` both separating; ``stem`` also drops that part's last suffix; ``auto`` drops
            one known media suffix (:data:`MEDIA_SUFFIXES`) instead.
        regex: A Python regular expression; None or an empty one for none.
        ignore_case: Let keys that differ in case only be one key.

    Raises:
        InputError: ``normalize`` is no mode, or ``regex`` cannot be used.
    """

    normalize: KeyNormalize = "auto"
    regex: str | None = None
    ignore_case: bool = False

    def __post_init__(self) -> None:
        if self.normalize not in KEY_NORMALIZE_MODES:
            raise InputError(
                f"unknown key normalisation {self.normalize!r}",
                fix=f"Use one of {', '.join(KEY_NORMALIZE_MODES)}",
                code="keys.unknown-mode",
            )
        if not self.regex:  # "no regex", for example where a manifest's default has one
            object.__setattr__(self, "regex", None)
        else:
            check_expression(self.regex)

    @property
    def guesses(self) -> bool:
        """Whether this rule folds keys without having been asked to, which is refused."""
        return self.normalize == "auto" and self.regex is None and not self.ignore_case

    def keys(self, values: pa.Array | pa.ChunkedArray) -> KeyResult:
        """Turn ``values`` into clip keys.

        Args:
            values: Any array of text, numbers, booleans, dates or binary UTF-8.

        Returns:
            The keys, one per value and in order, and why values are keyless.

        Raises:
            InputError: The values are lists, structs or the like.
        """
        distinct, indices = encode(values)
        derived = self.derive(distinct)
        has_key = derived.keys.is_valid()
        return KeyResult(
            keys=derived.keys.take(indices),
            reasons=count_reasons(derived.reasons, indices),
            pairs=(derived.texts.filter(has_key), derived.keys.filter(has_key)),
        )

    def derive(self, distinct: pa.StringArray) -> Derivation:
        """The clip keys of distinct texts, as :func:`encode` gives them."""
        texts = normal_text(distinct)
        names = self._name(texts)
        keys = self._search(names)
        if self.ignore_case:
            keys = pc.utf8_lower(keys)
        reasons = np.full(len(keys), -1, np.int8)
        # The later overrules: a null text is blank too, and matches no regex either.
        reasons[_is_null(keys)] = KEYLESS_REASONS.index(NO_REGEX_MATCH)
        reasons[_is_null(names)] = KEYLESS_REASONS.index(BLANK)
        reasons[_is_null(texts)] = KEYLESS_REASONS.index(NULL)
        return Derivation(texts, keys, reasons)

    def _name(self, texts: pa.StringArray) -> pa.StringArray:
        """Let the mode act; blank becomes null."""
        if self.normalize != "raw":
            texts = pc.utf8_rtrim(texts, characters="/\\")
            for separator in "/\\":
                _, texts = _split_at_last(texts, separator)
            suffix = {"auto": _KNOWN_SUFFIX, "stem": _ANY_SUFFIX}.get(self.normalize)
            if suffix is not None:
                heads, tails = _split_at_last(texts, ".")
                drop = pc.and_(pc.not_equal(heads, ""), pc.match_substring_regex(tails, suffix))
                texts = pc.if_else(pc.fill_null(drop, False), heads, texts)
            texts = pc.utf8_trim_whitespace(texts)
        return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)

    def _search(self, names: pa.StringArray) -> pa.StringArray:
        if self.regex is None:
            return names
        # Several texts may normalise to one name; each name is searched once.
        unique = pc.dictionary_encode(names)
        found = search_all(self.regex, unique.dictionary.to_pylist())
        return pa.array(found, pa.string()).take(unique.indices)


def _split_at_last(texts: pa.StringArray, mark: str) -> tuple[pa.StringArray, pa.StringArray]:
    """What stands before and after the last ``mark``; without one null, and the whole text.

    A regular expression that replaces takes ten times as long.
    """
    pieces = pc.split_pattern(texts, mark, max_splits=1, reverse=True)
    ends = pieces.offsets.to_numpy()
    counts = np.diff(ends)
    heads = pieces.values.take(pa.array(ends[:-1], mask=counts < 2))
    return heads, pieces.values.take(pa.array(ends[1:] - 1, mask=counts < 1))


def count_reasons(reasons: NDArray[np.int8], indices: pa.Int32Array) -> dict[str, int]:
    """How many rows yield no key, by reason.

    Args:
        reasons: :attr:`Derivation.reasons`, one for each distinct text.
        indices: For each row the position of its text, null for null.
    """
    rows = np.bincount(indices.drop_null().to_numpy(zero_copy_only=False), minlength=len(reasons))
    counts = {
        reason: int(rows[reasons == code].sum()) for code, reason in enumerate(KEYLESS_REASONS)
    }
    counts[NULL] += indices.null_count
    return counts


def _is_null(values: pa.Array) -> NDArray[np.bool_]:
    return np.asarray(values.is_null().to_numpy(zero_copy_only=False))

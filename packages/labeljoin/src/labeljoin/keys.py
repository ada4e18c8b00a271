"""Clip keys: how a value of a table becomes the string that identifies a clip on both sides."""

from __future__ import annotations

import functools
import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from provenance.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

KeyNormalize = Literal["auto", "raw", "basename", "stem"]
"""The modes of ``--key-normalize``."""

KEY_NORMALIZE_MODES: tuple[KeyNormalize, ...] = ("auto", "raw", "basename", "stem")

NO_COLUMNS = "the table has no columns"

KEY_COLUMNS = (
    "key",
    "clip_key",
    "clip_id",
    "video_id",
    "chug_video_id",
    "flickr_id",
    "content_id",
    "vid",
    "clip_name",
    "video_name",
    "file_name",
    "filename",
    "basename",
    "name",
    "video",
    "file",
    "img_path",
    "image",
    "src",
    "source",
    "src_path",
    "clip_path",
    "video_path",
    "distorted_path",
    "dis_path",
    "path",
)
"""Names that a key column is inferred from, the first that a table has, ignoring case."""

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
_INTEGER_WITH_FRACTION = r"^([+-]?[0-9]+)\.0+$"


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
        keys: Their clip keys, null where there is none.
        reasons: Why there is none: position in :data:`KEYLESS_REASONS`, -1 where there is a key.
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
        regex: A Python regular expression, or None.
        ignore_case: Let keys that differ in case only be one key.

    Raises:
        InputError: ``normalize`` is no mode, or ``regex`` does not compile.
    """

    normalize: KeyNormalize = "auto"
    regex: str | None = None
    ignore_case: bool = False

    def __post_init__(self) -> None:
        if self.normalize not in KEY_NORMALIZE_MODES:
            raise InputError(
                f"unknown key normalisation {self.normalize!r}",
                fix=f"Use one of {', '.join(KEY_NORMALIZE_MODES)}",
            )
        if self.regex is not None:
            try:
                re.compile(self.regex)
            except re.error as error:
                raise InputError(
                    f"the key regex {self.regex!r} does not compile: {error}",
                    fix="Correct the expression (Python syntax; quote it for the shell)",
                ) from None

    @property
    def guesses(self) -> bool:
        """Whether a fold of this rule was asked for by nobody, and so has to be refused."""
        return self.normalize == "auto" and self.regex is None and not self.ignore_case

    def keys(self, values: pa.Array | pa.ChunkedArray) -> KeyResult:
        """Turn ``values`` into clip keys.

        Args:
            values: Any array of text, numbers, booleans, dates or binary UTF-8.

        Returns:
            The keys, one per value and in order, and what became of the rest.

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
        search = re.compile(self.regex).search
        # Several texts may normalise to one name; each name is searched once.
        unique = pc.dictionary_encode(names)
        found: list[str | None] = []
        for name in unique.dictionary.to_pylist():
            match = search(name)
            if match is None:
                found.append(None)
                continue
            group = match.group(1) if match.re.groups else match.group()
            group = match.group() if group is None else group
            found.append(group.strip() or None)
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


def infer_key_column(
    names: Iterable[str], *, where: str | None = None, option: str | None = None
) -> str:
    """The column that identifies a clip, by its name.

    Args:
        names: The column names of a table.
        where: The table, for the error.
        option: The flag that names the column, for the error.

    Returns:
        The first of :data:`KEY_COLUMNS` that the table has, ignoring case, as the table spells it.

    Raises:
        InputError: The table has none of them.
    """
    names = list(names)
    if not names:
        raise InputError(NO_COLUMNS, where=where, fix="Give a table with rows and columns")
    found = infer_column(names, KEY_COLUMNS)
    if found is None:
        raise InputError(
            f"no column name says that it identifies a clip; {columns_are(names)}",
            where=where,
            fix=f"Name the key column with {option}" if option else "Name the key column",
        )
    return found


def infer_column(names: Iterable[str], wanted: Iterable[str]) -> str | None:
    """The first of ``wanted`` that is among ``names``, ignoring case, spelled as in ``names``."""
    spelled: dict[str, str] = {}
    for name in names:
        spelled.setdefault(name.strip().casefold(), name)
    return next((spelled[want.casefold()] for want in wanted if want.casefold() in spelled), None)


def columns_are(names: Iterable[str], limit: int = 12) -> str:
    """Which columns there are, the first ``limit`` by name, as a clause of an error."""
    names = list(names)
    if not names:
        return NO_COLUMNS
    more = f" and {len(names) - limit:,} more" if len(names) > limit else ""
    return f"the columns are {', '.join(names[:limit])}{more}"


def normal_text(texts: pa.StringArray) -> pa.StringArray:
    """Texts NFC-normalised and stripped, ``3339962845.0`` without its fraction."""
    if not pc.all(pc.string_is_ascii(texts)).as_py():
        # Arrow's own utf8_normalize composes nothing before its version 26.
        texts = pa.array(
            (text and unicodedata.normalize("NFC", text) for text in texts.to_pylist()),
            pa.string(),
        )
    texts = pc.utf8_trim_whitespace(texts)
    if not pc.any(pc.ends_with(texts, "0")).as_py():
        return texts
    return pc.replace_substring_regex(texts, _INTEGER_WITH_FRACTION, r"\1")


def encode(values: pa.Array | pa.ChunkedArray) -> tuple[pa.StringArray, pa.Int32Array]:
    """The distinct values as text, and for each value its position among them.

    Args:
        values: Any array of text, numbers, booleans, dates or binary UTF-8.

    Returns:
        Distinct texts, whole numbers without a fraction, NaN null; and positions, null for null.

    Raises:
        InputError: The values are lists, structs or the like.
    """
    distinct, indices = _encode(values)
    return _to_text(distinct), indices


def _to_text(values: pa.Array) -> pa.StringArray:
    kind = values.type
    if pa.types.is_string(kind):
        return values
    if pa.types.is_floating(kind):
        return _floats_to_text(values)
    if pa.types.is_decimal(kind):
        texts = (None if value is None else format(value, "f") for value in values.to_pylist())
        return pa.array(texts, pa.string())
    try:
        return values.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise _unusable(kind) from None


def _floats_to_text(values: pa.Array) -> pa.StringArray:
    """Floats as text: whole ones as the exact integer, others as their shortest form."""
    short = values.cast(pa.string()).to_pylist()
    texts = [
        None
        if value is None or value != value  # NaN is pandas' null
        else str(int(value))
        if float(value).is_integer()
        else text
        for value, text in zip(values.to_pylist(), short, strict=True)
    ]
    return pa.array(texts, pa.string())


def _encode(values: pa.Array | pa.ChunkedArray) -> tuple[pa.Array, pa.Int32Array]:
    if isinstance(values, pa.ChunkedArray):
        if pa.types.is_dictionary(values.type):
            values = values.unify_dictionaries()
        else:
            values = _encodable(values).dictionary_encode()
        values = values.combine_chunks()
        if isinstance(values, pa.ChunkedArray):  # none, or more than 2 GiB of text
            values = pa.concat_arrays([pa.array([], values.type), *values.chunks])
    if isinstance(values, pa.ExtensionArray):
        values = values.storage
    if not pa.types.is_dictionary(values.type):
        encoded = pc.dictionary_encode(_encodable(values))
        return encoded.dictionary, encoded.indices.cast(pa.int32())
    # A filtered or sliced table keeps dictionary entries that no row has; they are no keys.
    used = pc.unique(values.indices).drop_null()
    entries = _encodable(values.dictionary)
    if used.equals(pa.array(np.arange(len(entries)), used.type)):
        return entries, values.indices.cast(pa.int32())
    return entries.take(used), pc.index_in(values.indices, value_set=used)


def _encodable(values: Any) -> Any:
    if pa.types.is_nested(values.type) or pa.types.is_union(values.type):
        raise _unusable(values.type)
    if pa.types.is_string_view(values.type):  # Arrow takes no elements of views yet
        return values.cast(pa.string())
    return values


def _unusable(kind: pa.DataType) -> InputError:
    return InputError(
        f"a key column holds values of type {kind}, which is neither text nor a number",
        fix="Choose another key column",
    )

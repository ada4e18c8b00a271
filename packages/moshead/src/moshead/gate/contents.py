"""Content groups: clips that look like one content in several versions.

Versions of one content (other bitrates, resolutions, codecs) have MOS of their own, so the twin
control cannot find them, yet a head that has seen six versions knows the seventh better than it
will know tomorrow's content. Whole contents must be held out together. This module finds columns
and parts of keys that look like the name of a content, with the evidence of the features: the
nearest row of a version is usually another version of the same content.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import labeljoin
import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from moshead.gate.twins.search import TwinSearch

    Indices = NDArray[np.int64]

NEAREST_SHARE = 0.4
"""Share of clips whose nearest row must be of their own group, where names alone do not tell."""

LIFT = 3.0
"""How many times more often than by chance that must be."""

FEWEST_GROUPS = 5

_GROUPED_SHARE = 0.5
_SPLIT = re.compile(r"[_\-. ]+")
_LAST_TOKEN = re.compile(r"[_\-. ]+[^_\-. ]+$")
_VERSION = re.compile(
    r"(?:(?<=[_\-. ])|^)(?:\d{3,4}p|[248]k|\d{3,4}x\d{3,4}|\d+(?:\.\d+)?[km]bps|\d+(?:\.\d+)?[km]"
    r"|\d+fps|crf_?\d+|qp_?\d+|br_?\d+|h26[456]|x26[45]|hevc|avc|av1|vp9|vvc|ref|dist?|orig)"
    r"(?=[_\-. ]|$)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class ContentGroups:
    """A grouping of clips that looks like their contents.

    Attributes:
        source: ``column`` or ``keys``.
        column: Name of the column; None where keys were parted.
        rule: How the group follows from the key, for people.
        names: Content of each row, (N,).
        groups: Distinct contents.
        clips: Distinct clips (units) that they divide.
        nearest_share: Share of the examined clips whose nearest training row is of their content.
        chance: The same if contents did not matter.
        example: Two keys of one content.
    """

    source: Literal["column", "keys"]
    column: str | None
    rule: str
    names: tuple[str, ...]
    groups: int
    clips: int
    nearest_share: float
    chance: float
    example: tuple[str, str]

    @property
    def sentence(self) -> str:
        """The finding, and the way out."""
        what = (
            f"The column {self.column} divides"
            if self.column
            else f"The clip keys, {self.rule}, divide"
        )
        way = (
            f"--group-column {self.column}"
            if self.column
            else "a column of content names and --group-column"
        )
        return (
            f"{what} {self.clips} clips into {self.groups} contents, such as "
            f"{self.example[0]!r} and {self.example[1]!r}; for {self.nearest_share:.0%} of the "
            f"clips the nearest training row is of the same content ({self.chance:.1%} by "
            f"chance). To hold out whole contents, use {way}"
        )

    def to_dict(self) -> dict[str, Any]:
        """As JSON, without the name of each row."""
        return {
            "source": self.source,
            "column": self.column,
            "rule": self.rule,
            "groups": self.groups,
            "clips": self.clips,
            "nearest_share": round(self.nearest_share, 4),
            "chance": round(self.chance, 4),
            "example": list(self.example),
            "sentence": self.sentence,
        }


def key_stems(keys: Sequence[str]) -> list[str]:
    """Reduce keys to their last path part, without media suffix and without its last token.

    Example:
        >>> key_stems(["frames/c1_frame0.png", "c2_frame1"])
        ['c1', 'c2']
    """
    return [_LAST_TOKEN.sub("", base) or base for base in _base_names(keys)]


def content_groups(
    keys: Sequence[str],
    search: TwinSearch,
    columns: Mapping[str, Sequence[str]] | None = None,
    *,
    fewest: int = FEWEST_GROUPS,
) -> ContentGroups | None:
    """Find the column, or the part of the keys, that most looks like the name of a content.

    Args:
        keys: Clip key of each row, (N,).
        search: Nearest training rows, from :func:`moshead.gate.twins.search.search_twins`.
        columns: Columns whose names say that they name a content, each (N,), blank where unknown.
        fewest: Contents that there must be at least.

    Returns:
        The grouping, or None where nothing looks like one. Columns that are named like a content
        come first, then whatever the features confirm best.
    """
    found: list[tuple[bool, ContentGroups]] = []
    for name, values in (columns or {}).items():
        group = _grouping("column", name, "", values, keys, search, fewest)
        if group is not None:
            found.append((True, group))
    for rule, part in _key_parts(keys):
        group = _grouping("keys", None, rule, part, keys, search, fewest)
        if group is not None and _confirmed(group):
            found.append((False, group))
    if not found:
        return None
    return max(found, key=lambda each: (each[0], round(each[1].nearest_share, 2), each[1].groups))[
        1
    ]


def _confirmed(group: ContentGroups) -> bool:
    return group.nearest_share >= max(NEAREST_SHARE, LIFT * group.chance)


def _grouping(
    source: Literal["column", "keys"],
    column: str | None,
    rule: str,
    values: Sequence[str],
    keys: Sequence[str],
    search: TwinSearch,
    fewest: int,
) -> ContentGroups | None:
    """The grouping by ``values``, or None where it could not be one of contents."""
    # A row without a name is a content of its own.
    named = [value or f"row {row + 1}" for row, value in enumerate(values)]
    _, number = np.unique(np.asarray(named, dtype=object).astype(str), return_inverse=True)
    number = number.reshape(-1)
    _, first = np.unique(search.units, return_index=True)
    clips = len(first)
    sizes = np.bincount(number[first], minlength=int(number.max()) + 1)
    groups = int((sizes > 0).sum())
    shared = float((sizes[number[first]] > 1).mean())
    if groups < fewest or shared < _GROUPED_SHARE or sizes.max() > clips / 4:
        return None
    training = np.bincount(number, minlength=len(sizes)) / len(number)
    rows = search.neighbours.rows
    weight = search.weight / search.weight.sum()
    same = number[rows] == number[search.neighbours.nearest]
    largest = int(np.argmax(sizes))
    members = [row for row in first if number[row] == largest][:2]
    return ContentGroups(
        source=source,
        column=column,
        rule=rule,
        names=tuple(named),
        groups=groups,
        clips=clips,
        nearest_share=float(weight @ same),
        chance=float(weight @ training[number[rows]]),
        example=(keys[members[0]], keys[members[1]]),
    )


def _base_names(keys: Sequence[str]) -> list[str]:
    column = pa.chunked_array([pa.array(list(keys), pa.string())])
    parted = labeljoin.keys.KeyRule(normalize="auto").keys(column).keys.to_pylist()
    return [part or key for part, key in zip(parted, keys, strict=True)]


def _key_parts(keys: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Parts of the keys that may name a content, each with its rule in words."""
    base = _base_names(keys)
    yield "without their folder", base
    folders = [key.replace("\\", "/").rpartition("/")[0] for key in keys]
    yield "by their folder", folders
    stripped = _each(base, lambda name: _SPLIT.sub("_", _VERSION.sub("", name)).strip("_"))
    yield "without tokens of resolution, bitrate and codec", stripped
    for count in (1, 2, 3, 4):
        part = _each(base, partial(_without_last, count=count))
        if part == base:
            return
        yield (
            f"without their last {count} tokens" if count > 1 else "without their last token",
            part,
        )


def _each(names: Sequence[str], change: Callable[[str], str]) -> list[str]:
    made = {name: change(name) or name for name in set(names)}
    return [made[name] for name in names]


def _without_last(name: str, count: int) -> str:
    for _ in range(count):
        shorter = _LAST_TOKEN.sub("", name)
        if not shorter:
            return name
        name = shorter
    return name

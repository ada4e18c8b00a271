"""Regexes that would take the keys of one side out of the texts of the other."""

from __future__ import annotations

import re
from collections import Counter
from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

GENERIC_REGEXES = (
    r"([0-9]{6,})",
    r"([0-9]{4,})",
    r"([0-9a-f]{32})",
    r"([0-9a-f]{8,})",
    r"^([^_]+)",
    r"^([^_.-]+)",
)
"""Tried on both sides at once: both texts carry the clip's id, and more that differs.

Not shorter runs of digits: those count rows, frames and versions, and would meet by chance."""

SEPARATORS = "_-./ "

# Runs of digits, of letters, and single other characters: a key begins and ends between two.
_RUNS = re.compile(r"[0-9]+|[^\W\d_]+|.", re.DOTALL)
_MAX_RUNS = 24
_SHARE_OF_HITS = 0.9


def derive_regexes(texts: Sequence[str], keys: Collection[str]) -> list[str]:
    """Regexes whose first group is a key, wherever a text holds one.

    Each is made from what the occurrences have in common: the characters and length of the keys,
    the literal text around them, the place among separators.

    Args:
        texts: Texts of one side, a sample will do.
        keys: Clip keys of the other side.

    Returns:
        Candidates, the simplest first; none where hardly a text holds a key.
    """
    known = set(keys)
    hits = [hit for text in texts if (hit := longest_key(text, known)) is not None]
    hits = [hit for hit in hits if hit[0] or hit[2]]
    if len(hits) < max(2, len(texts) // 100):
        return []
    shape = _shape(known)
    before = _literal(_common_start([left[::-1] for left, _, _ in hits])[::-1])
    after = _literal(_common_start([right for _, _, right in hits]))
    begin = "^" if all(not left for left, _, _ in hits) else ""
    end = "$" if all(not right for _, _, right in hits) else ""
    candidates = [f"({shape})", f"{begin}({shape}){end}"]
    if shape.startswith("[0-9]"):
        candidates.append(f"(?<![0-9])({shape})(?![0-9])")
    candidates += [
        f"{before}({shape})",
        f"({shape}){after}",
        f"{begin or before}({shape}){end or after}",
        *_by_place(hits),
    ]
    return list(dict.fromkeys(candidates))


def longest_key(text: str, keys: Collection[str]) -> tuple[str, str, str] | None:
    """What is before, in and after the longest of ``keys`` in ``text``, between runs of a kind."""
    edges = [0, *(match.end() for match in _RUNS.finditer(text))][: _MAX_RUNS + 1]
    spans = sorted(combinations(edges, 2), key=lambda span: span[0] - span[1])
    for begin, end in spans:
        if text[begin:end] in keys:
            return text[:begin], text[begin:end], text[end:]
    return None


def _common_start(texts: Sequence[str]) -> str:
    low, high = min(texts), max(texts)
    same = (one == other for one, other in zip(low, high, strict=False))
    return low[: next((at for at, equal in enumerate(same) if not equal), len(low))]


def _shape(keys: Iterable[str]) -> str:
    """The characters and the length that all keys have, as a regex."""
    keys = list(keys)
    characters = set("".join(keys))
    lengths = {len(key) for key in keys}
    low, high = min(lengths), max(lengths)
    if characters <= set("0123456789"):
        kind = "[0-9]"
    elif characters <= set("0123456789abcdef") and low == high:
        kind = "[0-9a-f]"
    else:
        specials = sorted(c for c in characters if not (c.isalnum() and c.isascii()))
        kind = f"[0-9A-Za-z{''.join(map(re.escape, specials))}]"
        if low != high:
            return f"{kind}+"
    return f"{kind}{{{low}}}" if low == high else f"{kind}{{{low},{high}}}"


def _literal(text: str) -> str:
    """Context as a regex: enough of it to tell, and no digits, which may count something."""
    kept = re.split(r"[0-9]", text)
    return re.escape(max(kept, key=len)) if len(kept) == 1 else ""


def _by_place(hits: Sequence[tuple[str, str, str]]) -> Iterator[str]:
    """The key is always the n-th of the parts between separators."""
    for separator in SEPARATORS:
        if any(separator in key for _, key, _ in hits):
            continue
        whole = [
            hit for hit in hits if hit[0][-1:] in ("", separator) and hit[2][:1] in ("", separator)
        ]
        if len(whole) < _SHARE_OF_HITS * len(hits):
            continue
        mark = re.escape(separator)
        place, count = Counter(left.count(separator) for left, _, _ in whole).most_common(1)[0]
        if count >= _SHARE_OF_HITS * len(hits):
            skipped = (
                f"(?:[^{mark}]*{mark}){{{place}}}" if place > 1 else f"[^{mark}]*{mark}" * place
            )
            yield f"^{skipped}([^{mark}]+)"
        place, count = Counter(right.count(separator) for _, _, right in whole).most_common(1)[0]
        if place and count >= _SHARE_OF_HITS * len(hits):
            yield f"([^{mark}]+)" + f"{mark}[^{mark}]*" * place + "$"

"""Why a join covers so little, and what would raise it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from labeljoin.diagnose.regexes import GENERIC_REGEXES, derive_regexes, longest_key
from labeljoin.keys.modes import KEY_NORMALIZE_MODES
from labeljoin.keys.shares import percent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from labeljoin.facts import SuggestionFacts
    from labeljoin.keys.rule import KeyRule

EVALUATED = 50_000
"""Distinct values of a column that coverage is predicted from."""

LEARNED_FROM = 2_000
"""Distinct values that a regex is derived from."""

SHOWN = 10
"""Keys of a kind that a diagnosis shows."""

_WORTHWHILE = 0.01


@dataclass(frozen=True)
class KeySide:
    """One side of a join, as far as its keys go.

    Attributes:
        columns: Distinct values of the key column, and of other columns that might be one.
        column: The key column.
        rule: How its values become clip keys.
        column_flag: The flag that names the column.
        regex_flag: The flag that gives the regex.
    """

    columns: Mapping[str, pa.Array]
    column: str
    rule: KeyRule
    column_flag: str
    regex_flag: str


@dataclass(frozen=True)
class Suggestion:
    """A change that would raise coverage.

    Attributes:
        flags: The flags to give, with their values; True for a flag without one.
        match_rate: The coverage that they would give.
        matched_keys: Unique feature clip keys that would receive a label.
        keys: Unique feature clip keys that there would be.
        sampled: Whether these numbers come from a sample of the values.
    """

    flags: Mapping[str, str | bool]
    match_rate: float
    matched_keys: int
    keys: int
    sampled: bool

    def command(self) -> str:
        """The flags as they are typed."""
        return " ".join(
            flag if value is True else f"{flag} {shlex.quote(str(value))}"
            for flag, value in self.flags.items()
        )

    def to_dict(self) -> SuggestionFacts:
        """Return the suggestion as a member of an audit."""
        return {
            "flags": dict(self.flags),
            "command": self.command(),
            "match_rate": self.match_rate,
            "matched_feature_keys": self.matched_keys,
            "total_feature_keys": self.keys,
            "sampled": self.sampled,
        }


@dataclass(frozen=True)
class Diagnosis:
    """The keys of both sides without a match, and what would raise coverage.

    Attributes:
        unmatched: Feature values whose key was not matched, with that key.
        stale: Values of the other side whose key met no feature, with that key.
        suggestions: Changes that would raise coverage, the best first.
        noun: What the other side holds, e.g. ``label``.
    """

    unmatched: tuple[tuple[str, str], ...]
    stale: tuple[tuple[str, str], ...]
    suggestions: tuple[Suggestion, ...]
    noun: str = "label"

    @property
    def findings(self) -> list[str]:
        """What the samples show, one sentence each."""
        found = []
        if self.unmatched:
            keys = ", ".join(repr(key) for _, key in self.unmatched[:3])
            found.append(f"feature keys such as {keys} match no {self.noun}")
        if self.stale:
            keys = ", ".join(repr(key) for _, key in self.stale[:3])
            found.append(f"{self.noun} keys such as {keys} match no feature row")
        return found

    @property
    def advice(self) -> str:
        """What to do, as an imperative sentence without its full stop."""
        if not self.suggestions:
            return (
                "Compare the keys of both sides with `labeljoin inspect`, or accept less with "
                "--min-match-rate"
            )
        best = self.suggestions[0]
        return f"Try {best.command()}, which would cover {percent(best.match_rate)} of the clips"

    def to_dict(self) -> dict[str, Any]:
        """Return the diagnosis as a member of an audit; ``DiagnosisFacts`` for labels."""
        return {
            "unmatched_features": [{"value": value, "key": key} for value, key in self.unmatched],
            f"stale_{self.noun}s": [{"value": value, "key": key} for value, key in self.stale],
            "suggestions": [suggestion.to_dict() for suggestion in self.suggestions],
            "findings": self.findings,
            "advice": self.advice,
        }


def diagnose_coverage(features: KeySide, others: KeySide, *, noun: str = "label") -> Diagnosis:
    """Find out why two sides match so little, and what would make them match more.

    Tried are other columns, the other normalisations, keys without regard to case, and regexes
    derived from the keys themselves, on one side or both. A regex that maps
    distinct labels to one key is rejected.

    Args:
        features: The feature table's side.
        others: The other side (labels, scores).
        noun: What the other side holds.

    Returns:
        Samples of what was not matched, and at most three changes.

    Examples:
        >>> import pyarrow as pa
        >>> from labeljoin.keys import KeyRule
        >>> one = KeySide({"clip": pa.array(["x_1_540p.mp4", "x_2_540p.mp4"])}, "clip", KeyRule(),
        ...               "--key-column", "--feature-key-regex")
        >>> other = KeySide({"id": pa.array(["1", "2"])}, "id", KeyRule(),
        ...                 "--label-key-column", "--label-key-regex")
        >>> diagnose_coverage(one, other).suggestions[0].match_rate
        1.0
    """
    left, right = _Side.of(features), _Side.of(others)
    base = _Trial(left, right)
    trials = [trial for trial in _trials(left, right) if trial.usable]
    trials.sort(key=lambda trial: (-round(trial.share, 3), trial.changes, trial.length))
    best: list[_Trial] = []
    for trial in trials:
        if trial.share < base.share + _WORTHWHILE or len(best) == 3:
            break
        if all(trial.changes < other.changes for other in best):
            best.append(trial)
    unmatched = base.left.without(base.right_keys)[:SHOWN]
    stale = _side_by_side(unmatched, base.right.without(base.left_keys))
    return Diagnosis(
        unmatched=tuple(unmatched),
        stale=tuple(stale),
        suggestions=tuple(trial.suggestion(left, right) for trial in best),
        noun=noun,
    )


@dataclass(frozen=True)
class _Side:
    """A side under one choice of column and rule."""

    side: KeySide
    column: str
    rule: KeyRule

    @classmethod
    def of(cls, side: KeySide) -> _Side:
        return cls(side, side.column, side.rule)

    @property
    def values(self) -> pa.StringArray:
        return self.side.columns[self.column]

    def keys(self) -> pa.StringArray:
        return self.rule.derive(self.values).keys

    def without(self, others: pa.StringArray) -> list[tuple[str, str]]:
        """Return the first values, with their keys, whose key is not among ``others``."""
        keys = self.keys()
        unmatched = pc.indices_nonzero(
            pc.and_(keys.is_valid(), pc.invert(pc.is_in(keys, value_set=others)))
        )[:LEARNED_FROM]
        values, keys = self.values.take(unmatched), keys.take(unmatched)
        return list(zip(values.to_pylist(), keys.to_pylist(), strict=True))


def _side_by_side(
    unmatched: Sequence[tuple[str, str]], stale: Sequence[tuple[str, str]]
) -> list[tuple[str, str]]:
    """Stale values to show, each beside the unmatched one that holds its key or is held by it."""
    by_key = {key: (value, key) for value, key in reversed(stale)}
    holders = {}
    for value, key in reversed(stale):
        hit = longest_key(key, {key for _, key in unmatched})
        if hit is not None:
            holders[hit[1]] = (value, key)
    shown: list[tuple[str, str] | None] = []
    for value, key in unmatched:
        hit = longest_key(value, by_key)
        beside = by_key.pop(hit[1]) if hit is not None else holders.get(key)
        shown.append(beside if beside not in shown else None)
    rest = iter([pair for pair in stale if pair not in shown])
    filled = [pair or next(rest, None) for pair in shown]
    filled += [next(rest, None) for _ in range(SHOWN - len(filled))]
    return [pair for pair in filled if pair is not None]


@dataclass(frozen=True)
class _Trial:
    """Both sides under one choice, and how well they meet."""

    left: _Side
    right: _Side
    left_keys: pa.StringArray = field(init=False)
    right_keys: pa.StringArray = field(init=False)
    share: float = field(init=False)
    matched: int = field(init=False)
    usable: bool = field(init=False)

    def __post_init__(self) -> None:
        all_left, all_right = self.left.keys(), self.right.keys()
        left, right = pc.unique(all_left.drop_null()), pc.unique(all_right.drop_null())
        met = pc.sum(pc.is_in(all_left, value_set=right, skip_nulls=True)).as_py() or 0
        # Distinct labels have to stay distinct: `(.)` lets all features meet all labels.
        plain = replace(self.right.rule, regex=None, normalize="raw")
        distinct = len(pc.unique(plain.derive(self.right.values).keys.drop_null()))
        object.__setattr__(self, "left_keys", left)
        object.__setattr__(self, "right_keys", right)
        object.__setattr__(self, "share", met / max(len(all_left), 1))
        object.__setattr__(self, "matched", pc.sum(pc.is_in(left, value_set=right)).as_py() or 0)
        object.__setattr__(self, "usable", met > 0 and len(right) >= 0.98 * distinct)

    @property
    def changes(self) -> int:
        return len(self._flags(_Side.of(self.left.side), _Side.of(self.right.side)))

    @property
    def length(self) -> int:
        return len(self.left.rule.regex or "") + len(self.right.rule.regex or "")

    def _flags(self, left: _Side, right: _Side) -> dict[str, str | bool]:
        flags: dict[str, str | bool] = {}
        for now, before in ((self.left, left), (self.right, right)):
            if now.column != before.column:
                flags[now.side.column_flag] = now.column
            if now.rule.regex != before.rule.regex:
                flags[now.side.regex_flag] = now.rule.regex or ""
        if self.left.rule.normalize != left.rule.normalize:
            flags["--key-normalize"] = self.left.rule.normalize
        if self.left.rule.ignore_case and not left.rule.ignore_case:
            flags["--ignore-case"] = True
        return flags

    def suggestion(self, left: _Side, right: _Side) -> Suggestion:
        return Suggestion(
            flags=self._flags(left, right),
            match_rate=self.matched / len(self.left_keys),
            matched_keys=self.matched,
            keys=len(self.left_keys),
            sampled=len(self.left.values) >= EVALUATED,
        )


def _trials(left: _Side, right: _Side) -> Iterator[_Trial]:
    lefts = [replace(left, column=name) for name in left.side.columns]
    rights = [replace(right, column=name) for name in right.side.columns]
    for one, other in [(one, other) for one in lefts for other in rights]:
        yield _Trial(one, other)
        yield from _same_columns(one, other)


def _same_columns(left: _Side, right: _Side) -> Iterator[_Trial]:
    for mode in KEY_NORMALIZE_MODES:
        yield _Trial(_with(left, normalize=mode), _with(right, normalize=mode))
    yield _Trial(_with(left, ignore_case=True), _with(right, ignore_case=True))
    if left.rule.regex is not None:
        yield _Trial(_with(left, regex=None), right)
    if right.rule.regex is not None:
        yield _Trial(left, _with(right, regex=None))
    # A mode may have cut off what a regex would find.
    for mode in dict.fromkeys((left.rule.normalize, "raw")):
        one, other = _with(left, normalize=mode), _with(right, normalize=mode)
        for regex in _derived(_with(one, regex=None), other):
            yield _Trial(_with(one, regex=regex), other)
        for regex in _derived(_with(other, regex=None), one):
            yield _Trial(one, _with(other, regex=regex))
    for regex in GENERIC_REGEXES:
        yield _Trial(_with(left, regex=regex), _with(right, regex=regex))


def _derived(bare: _Side, other: _Side) -> list[str]:
    texts = bare.keys().drop_null().slice(0, LEARNED_FROM).to_pylist()
    return derive_regexes(texts, other.keys().drop_null().to_pylist())


def _with(side: _Side, **changes: Any) -> _Side:
    return replace(side, rule=replace(side.rule, **changes))

"""Which columns hold the clip keys of a join: what names say, and where they fail, values.

A column whose name is unknown can still show that it holds the key: its values meet those of the
other side. Such a pair of columns is taken only where it is the only one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Literal, ParamSpec, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
from provenance.toolkit import InputError

from labeljoin.formats.table import column_values
from labeljoin.joining.clip_keys import ClipKey, clip_key
from labeljoin.keys.columns import named_columns, plain_name
from labeljoin.keys.counts import closed
from labeljoin.keys.text import encode
from labeljoin.labels.index import LabelKey, label_key_column, label_mos_column

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from labeljoin.formats.table import Table
    from labeljoin.joining.options import JoinOptions
    from labeljoin.keys.rule import KeyRule
    from labeljoin.labels.source import LabelSource

P = ParamSpec("P")
T = TypeVar("T")

LEADING_ROWS = 20_000
"""Rows of a feature table that are looked at."""

LOOKED_AT = 64
"""Columns of a side that are looked at."""

MEETING = 0.5
"""Share of the keys of the smaller side that two columns have in common, at least."""

_UNDECIDED = ("keys.none", "keys.no-key-column", "labels.no-mos-column")

# A number tells clips apart only where it is long: short ones count rows, frames and versions.
_IDENTIFYING = r"\pL|[0-9]{6}"
_FRACTION = r"^[+-]?[0-9]*\.[0-9]+(?:[eE][+-]?[0-9]+)?$"
_USUAL = 0.9


@dataclass(frozen=True)
class KeyPair:
    """The key columns of a join.

    Attributes:
        features: That of the feature table.
        labels: That of each label file.
    """

    features: ClipKey
    labels: tuple[LabelKey, ...]


@dataclass(frozen=True)
class _Meeting:
    """A column of the features whose keys meet a column of each label file."""

    column: str
    labels: tuple[str, ...]
    met: int
    keys: int

    def words(self, sources: Sequence[LabelSource]) -> str:
        theirs = ", ".join(
            f"{name!r} of {source.name}" for name, source in zip(self.labels, sources, strict=True)
        )
        return f"{self.met:,} of {self.keys:,} keys of {self.column!r} are in {theirs}"


def pair_keys(
    features: Table | pa.Table,
    sources: Sequence[LabelSource],
    options: JoinOptions,
    *,
    names: Sequence[str],
    where: str,
) -> KeyPair:
    """Decide the key column of each side: options, what the table remembers, names, then values.

    Values decide where a name is missing, and between names that both sides share, where the first
    of them meets nothing.

    Args:
        features: The feature table, on disk or in memory.
        sources: The label files.
        options: The options of the join.
        names: The column names of the features.
        where: The features, for errors.

    Raises:
        InputError: A side has no key column or no MOS column, and values do not tell; what is
            wrong with both sides is in one message.
    """
    problems: list[InputError] = []

    def attempt(decide: Callable[P, T], *args: P.args, **options: P.kwargs) -> T | None:
        try:
            return decide(*args, **options)
        except InputError as error:
            if error.code not in _UNDECIDED:
                raise
            problems.append(error)
            return None

    key = attempt(clip_key, features, options.key_column, names=names, where=where)
    columns = [attempt(label_key_column, source, options.label_options) for source in sources]
    for source in sources:
        attempt(label_mos_column, source, options.label_options)
    known = [column for column in columns if column is not None]
    if key is not None and len(known) == len(sources):
        named = _pair(key, known, options)
        free = key.decided_by == "name" and options.label_key_column is None
        shared = _shared_names(names, sources) if free else []
        if len(shared) < 2 or _meets(features, named, sources, options):
            return named
        found = _meetings_of_a_name(features, shared, sources, options)
        if len(found) != 1:
            return named
    else:
        ours = names if key is None else [key.column]
        theirs = [
            source.column_names if column is None else [column]
            for column, source in zip(columns, sources, strict=True)
        ]
        found = _meetings(features, ours, sources, theirs, options)
        if len(found) != 1 or any(error.code == "labels.no-mos-column" for error in problems):
            raise _told_together(problems, [each.words(sources) for each in found])
    only = found[0]
    evidence = only.words(sources)
    if key is None or key.column != only.column:
        key = ClipKey(only.column, options.feature_rule, "values")
    pair = _pair(replace(key, evidence=evidence), only.labels, options)
    decided = tuple(
        label if label.column == column else replace(label, decided_by="values")
        for label, column in zip(pair.labels, columns, strict=True)
    )
    return KeyPair(pair.features, decided)


def feature_key(
    table: Table | pa.Table,
    column: str | None,
    others: pa.StringArray,
    *,
    rule: KeyRule,
    where: str,
    whose: str,
) -> ClipKey:
    """Decide the key column of a feature table that meets keys which are known already.

    Args:
        table: The feature table, on disk or in memory.
        column: The column that the caller names.
        others: The clip keys of the other side.
        rule: How values of the features become clip keys.
        where: The features, for errors.
        whose: What the other keys are, for the evidence, e.g. ``the scores``.

    Raises:
        InputError: Neither the caller nor the table nor names nor values tell.

    Examples:
        >>> import pyarrow as pa
        >>> from labeljoin.keys import KeyRule
        >>> table = pa.table({"clip": ["a/1.mp4"], "motion": [0.5]})
        >>> other = pa.array(["1"])
        >>> feature_key(table, None, other, rule=KeyRule(), where="f", whose="the scores").column
        'clip'
    """
    try:
        return clip_key(table, column, where=where)
    except InputError as error:
        if error.code != "keys.none":
            raise
        undecided = error
    found = []
    for name, keys in _leading_keys(table, table.column_names, rule).items():
        met = _met(keys, others)
        if met >= MEETING * min(len(keys), len(others)):
            found.append((name, f"{met:,} of {len(keys):,} keys of {name!r} are in {whose}"))
    if len(found) == 1:
        name, evidence = found[0]
        return ClipKey(name, rule, "values", evidence)
    raise _told_together([undecided], [evidence for _, evidence in found])


def _pair(key: ClipKey, columns: Iterable[str], options: JoinOptions) -> KeyPair:
    decided_by: Literal["name", "option"] = "name" if options.label_key_column is None else "option"
    return KeyPair(key, tuple(LabelKey(column, decided_by) for column in columns))


def _shared_names(names: Sequence[str], sources: Sequence[LabelSource]) -> list[str]:
    """The columns named like keys that all sides have, as the features spell them."""
    theirs = [{plain_name(name) for name in source.column_names} for source in sources]
    return [
        name for name in named_columns(names) if all(plain_name(name) in each for each in theirs)
    ]


def _meets(
    features: Table | pa.Table,
    pair: KeyPair,
    sources: Sequence[LabelSource],
    options: JoinOptions,
) -> bool:
    """Whether any of the leading keys of the features is a key of a label file."""
    column = pair.features.column
    keys = _keys(_leading_texts(features, column), options.feature_rule)
    return any(
        _met(keys, _keys(_label_texts(source, [label.column])[label.column], options.label_rule))
        for source, label in zip(sources, pair.labels, strict=True)
    )


def _meetings(
    features: Table | pa.Table,
    ours: Sequence[str],
    sources: Sequence[LabelSource],
    theirs: Sequence[Sequence[str]],
    options: JoinOptions,
) -> list[_Meeting]:
    """The columns of the features whose keys meet a column of every label file."""
    left = _leading_keys(features, ours, options.feature_rule)
    right = [
        _label_keys(source, choices[:LOOKED_AT], options.label_rule)
        for source, choices in zip(sources, theirs, strict=True)
    ]
    found = []
    for name, keys in left.items():
        for labels in product(*right):
            sides = [each[label] for each, label in zip(right, labels, strict=True)]
            counts = [_met(keys, side) for side in sides]
            enough = (
                count >= MEETING * min(len(keys), len(side))
                for count, side in zip(counts, sides, strict=True)
            )
            if all(enough):
                met = _met(keys, pa.concat_arrays(sides))
                found.append(_Meeting(name, labels, met, len(keys)))
    return found


def _meetings_of_a_name(
    features: Table | pa.Table,
    shared: Sequence[str],
    sources: Sequence[LabelSource],
    options: JoinOptions,
) -> list[_Meeting]:
    """Those meetings in which the columns have one name on all sides."""
    alike = set(map(plain_name, shared))
    theirs = [
        [name for name in source.column_names if plain_name(name) in alike] for source in sources
    ]
    return [
        each
        for each in _meetings(features, shared, sources, theirs, options)
        if set(map(plain_name, each.labels)) == {plain_name(each.column)}
    ]


def _leading_keys(
    features: Table | pa.Table, names: Sequence[str], rule: KeyRule
) -> Mapping[str, pa.StringArray]:
    """The clip keys that the first rows have in each column that may hold one."""
    found = {}
    for name in names[:LOOKED_AT]:
        texts = _leading_texts(features, name)
        if _identify(texts):
            found[name] = _keys(texts, rule)
    return found


def _label_keys(
    source: LabelSource, names: Sequence[str], rule: KeyRule
) -> Mapping[str, pa.StringArray]:
    """The clip keys of each column of a label file that tells its rows apart."""
    found = {}
    for name, texts in _label_texts(source, names).items():
        keys = _keys(texts, rule) if _identify(texts) else texts[:0]
        if len(keys) >= _USUAL * max(len(texts), 1):
            found[name] = keys
    return found


def _leading_texts(features: Table | pa.Table, name: str) -> pa.StringArray:
    """The distinct texts of a column's first rows; none of lists, structs and the like."""
    texts, rows = pa.array([], pa.string()), 0
    values = column_values(features, name)
    try:
        with closed(values):
            for some in values:
                texts = pc.unique(pa.concat_arrays([texts, encode(some)[0].drop_null()]))
                rows += len(some)
                if rows >= LEADING_ROWS:
                    break
    except InputError:
        return texts[:0]
    return texts


def _label_texts(source: LabelSource, names: Sequence[str]) -> dict[str, pa.StringArray]:
    """The texts of columns of a label file, repeated ones too."""
    table = source.read(list(names), list(names))
    found = {}
    for name in names:
        try:
            texts, places = encode(table[name])
        except InputError:
            texts, places = pa.array([], pa.string()), pa.array([], pa.int32())
        found[name] = texts.take(places).drop_null()
    return found


def _identify(texts: pa.StringArray) -> bool:
    """Whether texts could tell clips apart."""
    telling = pc.and_(
        pc.match_substring_regex(texts, _IDENTIFYING),
        pc.invert(pc.match_substring_regex(texts, _FRACTION)),
    )
    return len(texts) > 1 and (pc.sum(telling).as_py() or 0) >= _USUAL * len(texts)


def _keys(texts: pa.StringArray, rule: KeyRule) -> pa.StringArray:
    return pc.unique(rule.derive(pc.unique(texts)).keys.drop_null())


def _met(keys: pa.StringArray, others: pa.StringArray) -> int:
    return int(pc.sum(pc.is_in(keys, value_set=others)).as_py() or 0)


def _told_together(problems: Sequence[InputError], found: Sequence[str]) -> InputError:
    """One error about both sides, with what values propose where they do not decide."""
    proposed = [f"values would allow {len(found)} pairs: {'; '.join(found)}"] if found else []
    if len(problems) == 1 and not proposed:
        return problems[0]
    if len(problems) == 1:
        problem = problems[0]
        problem.what = "; ".join([problem.what, *proposed])
        return problem
    return InputError(
        "; ".join([*(f"{problem.where}: {problem.what}" for problem in problems), *proposed]),
        fix="; ".join(dict.fromkeys(problem.fix for problem in problems if problem.fix)),
        code="keys.undecided-sides",
    )

"""Match the rows of a feature table with scores, and count before anything is written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from labeljoin.joining import feature_key, remembered_key, table_coverage
from labeljoin.keys import ColumnsForLabels, KeyMatcher, percent
from provenance.toolkit import InputError

from secondopinion.scorers.columns import column_names, score_fields
from secondopinion.scorers.training import trained_on
from secondopinion.scores.opinions import STATUS_BAD, STATUS_MISSING, STATUS_OK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from labeljoin import Table
    from labeljoin.diagnose import Diagnosis
    from labeljoin.formats import FirstPass
    from labeljoin.joining import ClipKey, Coverage
    from labeljoin.labels import TrainedOn
    from numpy.typing import NDArray
    from provenance.toolkit import ProgressCallback

    from secondopinion.facts import LackingRows, RowsByStatus
    from secondopinion.joining.options import JoinOptions
    from secondopinion.scores.opinions import Opinions, Scorer

_ATTACHED = ("score", "status", "runtime_ms", "frames", "file")

SAMPLE = 20
"""How many keys of a kind an audit shows."""


@dataclass(frozen=True)
class ScorerMatch:
    """The matches of a feature table with one scorer's scores.

    Attributes:
        scorer: The scorer.
        rows: Rows by status: ``ok``, ``missing``, ``bad``.
        matched_keys: Unique feature clip keys with a score of any status.
        unmatched_sample: Feature clip keys that it did not score, the first by name.
        stale_keys: Scored clips that the feature table does not have.
        stale_sample: The first of these by name.
    """

    scorer: Scorer
    rows: RowsByStatus
    matched_keys: int
    unmatched_sample: tuple[str, ...]
    stale_keys: int
    stale_sample: tuple[str, ...]


class ScoredRows:
    """Finds the rows that have a score of every scorer; it can be pickled for workers.

    Args:
        matcher: Looks up clip keys.
        scored: For each score key, whether every scorer has an ``ok`` score.
    """

    def __init__(self, matcher: KeyMatcher, scored: NDArray[np.bool_]) -> None:
        self.matcher = matcher
        self.scored = scored

    def __call__(self, values: pa.Array) -> pa.BooleanArray:
        """Return which rows with these key values to keep."""
        match = self.matcher.match(values)
        keep = np.zeros(len(match.labels), bool)
        met = match.labels >= 0
        keep[met] = self.scored[match.labels[met]]
        return pc.fill_null(pa.array(keep).take(match.indices), False)


@dataclass(frozen=True)
class Plan:
    """A join before anything is written: both sides matched and counted.

    Attributes:
        key_column: The key column of the feature table, by which scores are matched.
        clip_key: The key that identifies its clips: the one that the table remembers from its
            labels, else the one that scores are matched by.
        coverage: The matches of its keys with the scores of any scorer.
        matches: The matches with each scorer's scores.
        columns: Computes the new columns.
        kept: Finds the rows that have every score.
        kept_rows: The number of those rows.
        judged: Names of the corpora of the feature table, if it or you state them.
    """

    key_column: str
    clip_key: ClipKey
    coverage: Coverage
    matches: list[ScorerMatch]
    columns: ColumnsForLabels
    kept: ScoredRows
    kept_rows: int
    judged: tuple[str, ...]

    def match_rate(self, match: ScorerMatch) -> float:
        """The share of the table's clips that a scorer has scored; 0 without clips."""
        return match.matched_keys / self.coverage.keys if self.coverage.keys else 0.0

    def below(self, minimum: float) -> list[ScorerMatch]:
        """The matches with scorers that scored less than ``minimum`` of the clips."""
        return [match for match in self.matches if self.match_rate(match) < minimum]

    def refused_by(self, options: JoinOptions) -> bool:
        """Whether the options do not accept which scores are missing."""
        few = bool(self.below(options.min_match_rate))
        return few or (options.missing == "fail" and bool(self.lacking))

    @property
    def lacking(self) -> dict[str, LackingRows]:
        """The rows without an ``ok`` score, by scorer and status."""
        counts: dict[str, LackingRows] = {
            match.scorer.slug: {"missing": match.rows["missing"], "bad": match.rows["bad"]}
            for match in self.matches
        }
        return {slug: rows for slug, rows in counts.items() if any(rows.values())}


def plan_join(
    table: Table,
    opinions: Opinions,
    options: JoinOptions,
    *,
    first_pass: FirstPass | None = None,
    progress: ProgressCallback | None = None,
) -> Plan:
    """Match a feature table with scores; nothing is written.

    Args:
        table: The feature table.
        opinions: The scores.
        options: The options of the join.
        first_pass: Reads the keys of the feature table if columns will be attached to it.
        progress: Called with the rows matched.

    Raises:
        InputError: The table does not have the key column, or ``auto`` merged distinct values
            into one key.
    """
    where = str(table.path)
    keys, places = _all_keys(opinions)
    found = feature_key(
        table,
        options.key_column,
        keys,
        rule=options.feature_rule,
        where=where,
        whose="the scores",
    )
    key_column = found.column
    wide = wide_table(opinions, places, options.prefix, options.training)
    matcher = KeyMatcher(options.feature_rule, keys)
    place = f"{where}, column {key_column!r}"
    coverage = table_coverage(
        table,
        key_column,
        matcher,
        where=place,
        first_pass=first_pass,
        added=() if options.overwrite else wide.schema.names,
        progress=progress,
    )
    if options.feature_rule.guesses and coverage.folded_keys:
        raise coverage.guessed_fold(place)
    statuses = {
        slug: wide[column_names(options.prefix, slug)["status"]] for slug in opinions.scorers
    }
    rows = coverage.label_rows
    matches = [
        _scorer_match(scorer, keys, rows, statuses[slug], coverage)
        for slug, scorer in opinions.scorers.items()
    ]
    missing = {column_names(options.prefix, slug)["status"]: STATUS_MISSING for slug in statuses}
    scored = np.logical_and.reduce([_is(status, STATUS_OK) for status in statuses.values()])
    return Plan(
        key_column=key_column,
        clip_key=remembered_key(table) or replace(found, rule=options.feature_rule),
        coverage=coverage,
        matches=matches,
        columns=ColumnsForLabels(matcher, wide, missing),
        kept=ScoredRows(matcher, scored),
        kept_rows=int(rows[scored].sum()),
        judged=_judged(table, options),
    )


def _judged(table: Table, options: JoinOptions) -> tuple[str, ...]:
    """Return the corpora of a feature table; text formats need the option."""
    if options.corpus is not None:
        return (options.corpus,)
    if table.format not in ("parquet", "frame") or "corpus" not in table.column_names:
        return ()
    names = table.read(["corpus"]).column(0).cast(pa.string()).unique().to_pylist()
    return tuple(sorted(name for name in names if name))


def wide_table(
    opinions: Opinions,
    places: Mapping[str, pa.Int32Array],
    prefix: str,
    corrections: Mapping[str, TrainedOn] | None = None,
) -> pa.Table:
    """Return all scorers' columns side by side, one row per clip key; null if not scored.

    Text is dictionary-encoded.

    Args:
        opinions: The scores.
        places: By slug, for each clip key the index of its score; null if missing.
        prefix: The prefix of the columns' names.
        corrections: What you stated that scorers were trained on, by slug.
    """
    paths = pa.array([file.path for file in opinions.files], pa.string())
    arrays: list[pa.Array] = []
    fields: list[Any] = []
    for slug, scorer in opinions.scorers.items():
        columns = {name: scorer.scores[name].combine_chunks() for name in _ATTACHED}
        columns["status"] = columns["status"].dictionary_encode()
        columns["source"] = pa.DictionaryArray.from_arrays(columns["file"], paths)
        for field, kind in zip(
            score_fields(prefix, slug, scorer.facts, trained_on(slug, corrections)),
            column_names(prefix, slug),
            strict=True,
        ):
            arrays.append(columns[kind].take(places[slug]))
            fields.append(field.with_type(arrays[-1].type))
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def _all_keys(opinions: Opinions) -> tuple[pa.StringArray, dict[str, pa.Int32Array]]:
    """Return all clip keys, each once, and by slug the index of each one's score, or null."""
    lists: list[pa.ChunkedArray] = []
    list_of = {}
    for slug, scorer in opinions.scorers.items():
        keys = scorer.scores["key"]
        # Scorers that scored the same clips in the same order have one list.
        at = next((at for at, known in enumerate(lists) if known.equals(keys)), len(lists))
        if at == len(lists):
            lists.append(keys)
        list_of[slug] = at
    chunks = [chunk for keys in lists for chunk in keys.chunks]
    encoded = pa.chunked_array(chunks, pa.string()).dictionary_encode().combine_chunks()
    codes = encoded.indices.to_numpy()
    places = []
    for keys in lists:
        own, codes = codes[: len(keys)], codes[len(keys) :]
        place = np.full(len(encoded.dictionary), -1, np.int32)
        place[own] = np.arange(len(own))
        places.append(pa.array(place, mask=place < 0))
    return encoded.dictionary, {slug: places[at] for slug, at in list_of.items()}


def _scorer_match(
    scorer: Scorer,
    keys: pa.StringArray,
    rows: NDArray[np.int64],
    status: pa.ChunkedArray,
    coverage: Coverage,
) -> ScorerMatch:
    ok, bad = _is(status, STATUS_OK), _is(status, STATUS_BAD)
    known = ok | bad
    met = rows > 0
    counts = {STATUS_OK: int(rows[ok].sum()), STATUS_BAD: int(rows[bad].sum())}
    stale = known & ~met
    # Keys that other scorers know come from the score side, the rest from the feature side.
    unmatched = [*coverage.unmatched_sample, *_first(keys, met & ~known)]
    return ScorerMatch(
        scorer=scorer,
        rows={
            STATUS_OK: counts[STATUS_OK],
            STATUS_MISSING: coverage.rows - sum(counts.values()),
            STATUS_BAD: counts[STATUS_BAD],
        },
        matched_keys=int((known & met).sum()),
        unmatched_sample=tuple(sorted(unmatched)[:SAMPLE]),
        stale_keys=int(stale.sum()),
        stale_sample=_first(keys, stale),
    )


def _is(status: pa.ChunkedArray, wanted: str) -> NDArray[np.bool_]:
    return np.asarray(pc.fill_null(pc.equal(status, wanted), False).to_numpy())


def _first(keys: pa.StringArray, mask: NDArray[np.bool_]) -> tuple[str, ...]:
    chosen = keys.filter(pa.array(mask))
    return tuple(chosen.take(pc.sort_indices(chosen)[:SAMPLE]).to_pylist())


def check_matches(plan: Plan, table: Table, diagnoses: Mapping[str, Diagnosis]) -> None:
    """Check that every scorer scored a clip of the table: otherwise the keys do not fit.

    Args:
        plan: The matches.
        table: The feature table.
        diagnoses: By slug, what would raise the match rate.

    Raises:
        InputError: A scorer matches no clip; the error shows samples of both sides.
    """
    if not plan.coverage.rows:
        return
    if not plan.coverage.keys:
        raise InputError(
            f"No row of the column {plan.key_column!r} yields a clip key",
            where=str(table.path),
            fix="Name another column with --key-column, or correct --feature-key-regex",
            code="scores.no-feature-key",
        )
    for match in plan.matches:
        if match.matched_keys:
            continue
        if not len(match.scorer.scores):
            raise InputError(
                f"No score of {match.scorer.slug} yields a clip key",
                fix="Name its key with --score-key-field, or correct --score-key-regex",
                code="scores.no-score-key",
            )
        ours = ", ".join(repr(key) for key in match.unmatched_sample[:3])
        theirs = ", ".join(repr(key) for key in match.stale_sample[:3])
        suggestions = diagnoses[match.scorer.slug].suggestions
        raise InputError(
            f"{match.scorer.slug} scored no clip of the table: its clips are {theirs}; those "
            f"of the column {plan.key_column!r} are {ours}",
            where=str(table.path),
            fix=f"Try {suggestions[0].command()}, which would match "
            f"{percent(suggestions[0].match_rate)} of the clips"
            if suggestions
            else "Make the keys equal with --key-column, --score-key-field, --key-normalize, "
            "--feature-key-regex or --score-key-regex",
            code="scores.no-match-in-table",
        )

"""Judge candidates, and write down what was found."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from labeljoin.keys import percent
from labeljoin.labels import contamination_sentences
from provenance.toolkit import InputError, ProgressCallback

from moshead.baselines.pairing import LEAST_UNITS
from moshead.comparison.candidates import Candidate, Cell, OutOfFoldCandidate
from moshead.comparison.protocol import TEST_SHARE, Protocol
from moshead.comparison.report.sentences import requirement_of, sentence_of
from moshead.comparison.scoring import Judged, PairScores, Scores, score_candidates
from moshead.documents import comparison as model

if TYPE_CHECKING:
    from labeljoin.labels import Contamination
    from numpy.typing import NDArray

    from moshead.comparison.rows import Rows

_DECIMALS = 6
_LEAST_CORPUS_ROWS = 20
"""Rows below which a corpus gets no figures of its own."""


def judge_candidates(
    rows: Rows,
    tables: Sequence[str],
    setting: Protocol,
    candidates: Sequence[Candidate],
    *,
    seeds: tuple[int, ...],
    reference: str | None,
    require_better: str | None,
    notes: list[str],
    progress: ProgressCallback | None,
) -> tuple[model.ComparisonDocument, pa.Table]:
    """Predict, score, and say what was found.

    Args:
        rows: The rows.
        tables: Names of the feature tables.
        setting: The folds.
        candidates: What is compared.
        seeds: Seeds of candidates that have randomness.
        reference: Compare with this candidate only.
        require_better: What the first candidate has to beat.
        notes: What is noteworthy already.
        progress: Called as the comparison advances.

    Returns:
        The document and the predictions.

    Raises:
        InputError: A name is no candidate.
    """
    names = [candidate.name for candidate in candidates]
    for flag, name in (("--reference", reference), ("--require-better", require_better)):
        if name is not None and name not in names:
            raise InputError(
                f"{flag} names {name!r}, which is no candidate",
                fix=f"Name one of {_some(names)}",
                code="compare.no-such-candidate",
            )
    if require_better == names[0]:
        raise InputError(
            f"--require-better names {require_better!r}, which is the first candidate itself",
            fix="Models come first, then out-of-fold files, score columns and stock regressors",
            code="compare.better-than-itself",
        )
    wanted = _wanted_pairs(names, reference, require_better)
    cells = [c.predict(rows, setting.folds, progress) for c in candidates]
    units = int(rows.units.max()) + 1
    independent = units == len(rows.mos)

    def judge(within: NDArray[np.bool_] | None) -> Judged:
        return score_candidates(
            rows.mos,
            rows.units,
            rows.half_width,
            setting,
            cells,
            wanted,
            within=within,
            independent=independent,
            seed=setting.seed or 0,
            progress=progress,
        )

    judged = judge(None)
    notes = [*notes, *_notes(rows, candidates, units, independent=independent)]
    figures = _candidate_figures(rows, candidates, judged.scores)
    pairs = [_pair(names, pair) for pair in judged.pairs]
    document = model.ComparisonDocument(
        schema=model.SCHEMA,
        sentence="",
        feature_tables=list(tables),
        corpora_judged=list(rows.judged),
        protocol=model.ProtocolFacts(
            kind=setting.kind,
            folds=len(setting.folds) if setting.kind == "folds" else None,
            splits=len(setting.folds) if setting.kind == "splits" else None,
            test_share=TEST_SHARE if setting.kind == "splits" else None,
            seed=setting.seed,
            seeds=list(seeds),
            unit=rows.unit_name,
            units=units,
            rows=len(rows.mos),
            mapping=setting.mapping,
            statistic="mean" if setting.kind == "folds" else "median",
            resamples=judged.resamples,
            source=setting.source,
        ),
        candidates=figures,
        pairs=pairs,
        reference=reference,
        requirement=requirement_of(names, pairs, require_better),
        corpora=_corpora(rows, setting, candidates, cells, judge, notes),
        labels_dropped=dict(rows.corpus.dropped),
        notes=list(dict.fromkeys(notes)),
    )
    document.sentence = sentence_of(figures, pairs, reference)
    return document, _predictions(rows, setting, candidates, cells)


def _wanted_pairs(
    names: Sequence[str], reference: str | None, require_better: str | None
) -> list[tuple[int, int]]:
    if reference is None:
        return list(combinations(range(len(names)), 2))
    base = names.index(reference)
    pairs = [(number, base) for number in range(len(names)) if number != base]
    if require_better is not None and (0, names.index(require_better)) not in pairs:
        pairs.insert(0, (0, names.index(require_better)))
    return pairs


def _candidate_figures(
    rows: Rows, candidates: Sequence[Candidate], scores: Sequence[Scores]
) -> list[model.CandidateFigures]:
    found = []
    for candidate, own in zip(candidates, scores, strict=True):
        doubts = {
            column: doubt
            for column in candidate.columns
            if (doubt := rows.scorers.of_column(column, rows.judged)) is not None
        }
        doubt = doubts.get(candidate.columns[0]) if candidate.kind == "column" else None
        found.append(
            model.CandidateFigures(
                **{name: _number(value) for name, value in own.figures.items()},
                name=candidate.name,
                kind=candidate.kind,
                ci=model.Intervals(
                    **{n: (_number(low), _number(high)) for n, (low, high) in own.intervals.items()}
                ),
                detail=candidate.detail,
                columns=list(candidate.columns),
                missing=round(candidate.missing, _DECIMALS),
                contamination=None
                if doubt is None
                else model.Contaminated(status=doubt.status, sentence=doubt.sentence),
                contaminated_columns=[
                    column for column, each in doubts.items() if each.status == "contaminated"
                ],
            )
        )
    return found


def _pair(names: Sequence[str], pair: PairScores) -> model.Pair:
    return model.Pair(
        a=names[pair.a],
        b=names[pair.b],
        **{
            name: model.DifferenceFigures(
                difference=_number(each.difference),
                low=_number(each.low),
                high=_number(each.high),
                p=_number(each.p),
                p_holm=_number(pair.adjusted[name]),
            )
            for name, each in pair.differences.items()
        },
        zou=None
        if pair.zou is None
        else model.ZouInterval(
            difference=_number(pair.zou[0]),
            low=_number(pair.zou[1]),
            high=_number(pair.zou[2]),
            r12=_number(pair.zou[3]),
            clips=pair.zou[4],
        ),
    )


def _bias(
    rows: Rows,
    setting: Protocol,
    candidates: Sequence[Candidate],
    cells: Sequence[Sequence[Cell]],
    within: NDArray[np.bool_],
) -> dict[str, float | None]:
    """Mean of predicted minus rated on some rows, by candidate."""
    found: dict[str, float | None] = {}
    for candidate, own in zip(candidates, cells, strict=True):
        errors = [
            (cell.predicted - rows.mos[held])[within[held]]
            for cell in own
            if len(held := setting.folds[cell.fold].held_out)
        ]
        together = np.concatenate(errors) if errors else np.empty(0)
        found[candidate.name] = _number(float(together.mean())) if len(together) else None
    return found


def _corpora(
    rows: Rows,
    setting: Protocol,
    candidates: Sequence[Candidate],
    cells: Sequence[Sequence[Cell]],
    judge: Callable[[NDArray[np.bool_] | None], Judged],
    notes: list[str],
) -> list[model.CorpusFigures]:
    """The comparison on each corpus, if there are several."""
    named = rows.corpus.corpora
    if named is None:
        return []
    names = np.asarray(named)
    found = []
    several = sorted(set(named) - {""})
    if len(several) < 2:
        return []
    for name in several:
        within = names == name
        if int(within.sum()) < _LEAST_CORPUS_ROWS:
            notes.append(f"The corpus {name} has {int(within.sum())} rows, too few for figures.")
            continue
        judged = judge(within)
        found.append(
            model.CorpusFigures(
                name=name,
                rows=int(within.sum()),
                candidates=_candidate_figures(rows, candidates, judged.scores),
                bias=_bias(rows, setting, candidates, cells, within),
                pairs=[_pair([c.name for c in candidates], pair) for pair in judged.pairs],
            )
        )
    return found


def _notes(
    rows: Rows, candidates: Sequence[Candidate], units: int, *, independent: bool
) -> list[str]:
    notes = []
    if units < LEAST_UNITS:
        notes.append(
            f"{units} {rows.unit_name} are too few for intervals, which need {LEAST_UNITS}."
        )
    if not np.isfinite(rows.half_width).any():
        notes.append(
            "RMSE* and the outlier ratio need mos_std_dev and mos_n_ratings, which the tables lack."
        )
    if not independent:
        notes.append(
            "Several rows share a clip or group, so Zou's interval, which takes rows for "
            "independent, is left out."
        )
    everyone: list[Contamination] = []
    for candidate in candidates:
        if candidate.missing:
            notes.append(
                f"{percent(candidate.missing)} of the values that {candidate.name} reads are "
                "missing; they took the median of the training rows."
            )
        doubts = [rows.scorers.of_column(column, rows.judged) for column in candidate.columns]
        everyone += [doubt for doubt in doubts if doubt is not None]
        if isinstance(candidate, OutOfFoldCandidate) and not candidate.same_folds:
            notes.append(
                f"{candidate.name} was predicted under other folds than these. Each prediction is "
                "still out of fold; its nets trained on other rows than the other candidates."
            )
    return notes + contamination_sentences(everyone)


def _predictions(
    rows: Rows,
    setting: Protocol,
    candidates: Sequence[Candidate],
    cells: Sequence[Sequence[Cell]],
) -> pa.Table:
    """All predictions, one row each."""
    parts = [
        (candidate.name, cell, setting.folds[cell.fold].held_out)
        for candidate, own in zip(candidates, cells, strict=True)
        for cell in own
    ]
    index = np.concatenate([held for _, _, held in parts])
    sizes = [len(held) for _, _, held in parts]
    columns: dict[str, Any] = {
        "candidate": pa.array(np.repeat([name for name, _, _ in parts], sizes), pa.string()),
        "key": pa.array(rows.corpus.keys, pa.string()).take(pa.array(index)),
        "fold": np.repeat([cell.fold for _, cell, _ in parts], sizes),
        "seed": np.repeat([cell.seed for _, cell, _ in parts], sizes),
        "mos": rows.mos[index],
        "mos_pred": np.concatenate([cell.predicted for _, cell, _ in parts]),
    }
    if rows.corpus.groups is not None:
        columns["group"] = pa.array(rows.corpus.groups, pa.string()).take(pa.array(index))
    if rows.corpus.corpora is not None:
        columns["corpus"] = pa.array(rows.corpus.corpora, pa.string()).take(pa.array(index))
    return pa.table(columns)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:12])


def _number(value: float) -> float | None:
    return round(float(value), _DECIMALS) if math.isfinite(value) else None

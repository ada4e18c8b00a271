"""What a comparison found, in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from moshead.baselines.worth import signed
from moshead.documents import comparison as model


def requirement_of(
    names: Sequence[str], pairs: Sequence[model.Pair], than: str | None
) -> model.Requirement | None:
    """Decide whether the first candidate beats ``than``; None where nothing was required."""
    if than is None:
        return None
    pair = next(p for p in pairs if p.a == names[0] and p.b == than)
    passed = pair.plcc.low is not None and pair.plcc.low > 0
    return model.Requirement(
        better=names[0],
        than=than,
        passed=passed,
        sentence=_pair_sentence(pair) + ("" if passed else ": it is not surely better") + ".",
    )


def _pair_sentence(pair: model.Pair) -> str:
    d = pair.plcc
    if d.difference is None:
        return f"{pair.a} and {pair.b} cannot be compared by PLCC"
    if d.low is None or d.high is None:
        return f"{pair.a} differs from {pair.b} by {signed(d.difference)} PLCC, without an interval"
    span = f"{signed(d.difference)} PLCC [{signed(d.low)}, {signed(d.high)}]"
    if d.low > 0:
        return f"{pair.a} beats {pair.b} by {span}"
    if d.high < 0:
        return f"{pair.a} is worse than {pair.b} by {span}"
    return f"{pair.a} and {pair.b} cannot be told apart ({span})"


def sentence_of(
    figures: Sequence[model.CandidateFigures],
    pairs: Sequence[model.Pair],
    reference: str | None,
) -> str:
    """The best candidate, and against whom it is sure."""
    known = [each for each in figures if each.plcc is not None]
    if not known:
        return "No candidate has a PLCC on these rows."
    if len(figures) == 1:
        return f"{figures[0].name} reaches PLCC {_short(known[0].plcc)}."
    ranked = sorted(known, key=lambda each: -(each.plcc or 0.0))
    best = ranked[0].name
    other = reference if reference not in (None, best) else None
    if other is None and len(ranked) > 1:
        other = ranked[1].name
    pair = next((p for p in pairs if {p.a, p.b} == {best, other}), None)
    lead = f"{best} has the highest PLCC, {_short(ranked[0].plcc)}"
    if pair is None:
        return lead + "."
    if pair.a != best:
        pair = _turned(pair)
    return f"{lead}: {_pair_sentence(pair)}."


def _turned(pair: model.Pair) -> model.Pair:
    """The same pair from the other side; only what sentences need."""
    d = pair.plcc
    minus = model.DifferenceFigures(
        difference=None if d.difference is None else -d.difference,
        low=None if d.high is None else -d.high,
        high=None if d.low is None else -d.low,
        p=d.p,
        p_holm=d.p_holm,
    )
    return model.Pair(a=pair.b, b=pair.a, plcc=minus, srocc=pair.srocc, rmse=pair.rmse, zou=None)


def _short(value: float | None) -> str:
    return "none" if value is None else f"{value:.4f}"

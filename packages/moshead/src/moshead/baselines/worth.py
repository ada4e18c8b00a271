"""What a head is worth beside its baselines: the figures of each, and the sentence for people."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from labeljoin.labels import contamination_sentences

from moshead.baselines.regressors import INSTALL, REGRESSORS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from labeljoin.labels import Contamination

    from moshead.baselines.mapping import MonotoneMapping
    from moshead.baselines.pairing import Difference
    from moshead.documents.shared import BaselineDocument, WorthDocument

Kind = Literal["column", "regressor"]
BaselineChoice = Literal["auto", "simple"]


@dataclass(frozen=True)
class Baseline:
    """What one baseline reaches on the head's folds.

    Attributes:
        name: What it is.
        kind: ``column`` or ``regressor``.
        column: The column, or the one that was chosen in most folds; None for a regressor.
        plcc: Mean over folds.
        srocc: Mean over folds.
        rmse: Mean over folds, in MOS.
        difference: PLCC of the head minus that of the baseline, with its interval.
        contamination: Whether the column's scorer was trained on the judged corpus.
        settings: How it was fitted, in one sentence.
        mapping: From the column to MOS, fitted to all training rows; None for a regressor.
        bias: Mean over folds of predicted minus rated, in MOS.
    """

    name: str
    kind: Kind
    column: str | None
    plcc: float
    srocc: float
    rmse: float
    difference: Difference
    contamination: Contamination | None = None
    settings: str = ""
    mapping: MonotoneMapping | None = None
    bias: float = math.nan

    def to_dict(self) -> BaselineDocument:
        """As JSON; null where a number does not exist."""
        doubt = self.contamination
        return {
            "name": self.name,
            "kind": self.kind,
            "column": self.column,
            "plcc": _number(self.plcc),
            "srocc": _number(self.srocc),
            "rmse": _number(self.rmse),
            "bias": _number(self.bias),
            "difference": {
                "plcc": _number(self.difference.difference),
                "low": _number(self.difference.low),
                "high": _number(self.difference.high),
            },
            "contamination": None
            if doubt is None
            else {"status": doubt.status, "sentence": doubt.sentence},
            "settings": self.settings,
            "mapping": None if self.mapping is None else self.mapping.to_dict(),
        }


@dataclass(frozen=True)
class Worth:
    """What a head is worth beside its baselines.

    Attributes:
        baselines: The baselines, the best first.
        gained: Whether the head beats the best single column with an interval above 0; None
            where no column could be judged.
        sentence: The same in words, with the strongest regressor where the head does not beat it.
        notes: What was not run, and what is in doubt.
        corpora: The same baselines on the rows of each corpus, if there is more than one.
    """

    baselines: tuple[Baseline, ...]
    gained: bool | None
    sentence: str
    notes: tuple[str, ...] = field(default=())
    corpora: Mapping[str, tuple[Baseline, ...]] = field(default_factory=dict)

    def to_dict(self) -> WorthDocument:
        """As JSON: ``sentence, gained, notes``; the baselines stand beside it."""
        return {"sentence": self.sentence, "gained": self.gained, "notes": list(self.notes)}


def regressor_notes(choice: BaselineChoice) -> list[str]:
    """Say which stock regressors were not run.

    Args:
        choice: Which were asked for.
    """
    missing = [r.name for r in REGRESSORS if not r.installed]
    if choice == "simple":
        return ["Of the stock regressors only ridge was run."]
    if missing:
        return [f"Not run, because they are not installed: {', '.join(missing)}. {INSTALL}."]
    return []


def worth_of_baselines(
    baselines: tuple[Baseline, ...], unit_name: str, notes: Sequence[str]
) -> Worth:
    """Return what the head is worth beside its baselines, in words.

    Args:
        baselines: The baselines, the best first.
        unit_name: What the bootstrap drew, ``clips`` or ``groups``.
        notes: What was not run.
    """
    doubts = [each.contamination for each in baselines if each.contamination]
    notes = [*notes, *contamination_sentences(doubts)]
    columns = [each for each in baselines if each.kind == "column" and math.isfinite(each.plcc)]
    regressors = [
        each for each in baselines if each.kind == "regressor" and math.isfinite(each.plcc)
    ]
    if not columns and not regressors:
        return Worth(baselines, None, "No baseline could be judged on these folds.", tuple(notes))
    parts = []
    gained: bool | None = None
    if columns:
        best = columns[0]
        gained = best.difference.above_zero
        parts.append(_against_column(best, unit_name))
    if regressors and (not regressors[0].difference.above_zero or not columns):
        parts.append(_against_regressor(regressors[0], opens=not parts))
    return Worth(baselines, gained, "; ".join(parts) + ".", tuple(dict.fromkeys(notes)))


def _against_column(best: Baseline, unit_name: str) -> str:
    d = best.difference
    doubt = ""
    if best.contamination is not None and best.contamination.status == "contaminated":
        doubt = ", which was trained on this corpus,"
    if not math.isfinite(d.low):
        return (
            f"Differs from {best.name} alone by {signed(d.difference)} PLCC; there are too few "
            f"{unit_name} for an interval"
        )
    if d.above_zero:
        return f"Beats {best.name} alone{doubt} by {_plain(d.difference)} {_interval(d)}"
    return (
        f"No better than {best.name} alone{doubt} ({signed(d.difference)} {_interval(d)} PLCC): "
        f"ship {best.name}"
    )


def _against_regressor(best: Baseline, *, opens: bool) -> str:
    d = best.difference
    if d.above_zero:
        return f"{'B' if opens else 'b'}eats {best.name} by {_plain(d.difference)} {_interval(d)}"
    worse = math.isfinite(d.high) and d.high < 0
    word = "worse" if worse else "no better"
    word = word.capitalize() if opens else word
    return f"{word} than {best.name} on the same columns ({signed(d.difference)} {_interval(d)})"


def _interval(d: Difference) -> str:
    if not math.isfinite(d.low):
        return "[no interval]"
    return f"[{_plain(d.low)}, {_plain(d.high)}]"


def _plain(value: float) -> str:
    """A correlation with three decimals."""
    return f"{value:z.3f}"


def signed(value: float) -> str:
    """A difference with its sign: +0.019."""
    return f"{value:+z.3f}"


def _number(value: float) -> float | None:
    return round(value, 6) if math.isfinite(value) else None

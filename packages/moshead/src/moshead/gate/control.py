"""Search held-out rows for twins among their training rows, whatever their keys say.

A twin is another row of the same clip: a frame whose key was not recognised, a renamed copy, the
clip encoded again. Cross-validation with twins measures memory and not quality. Keys cannot rule
twins out, so this control looks at features and labels alone.

For each held-out row the control finds its nearest training row, by the distance of standardised
features, counts how often both have exactly the same label, and compares the count with what
coincidence explains (see :mod:`moshead.gate.twins.coincidence`). The simulations behind the bounds
are in ``docs/concepts/the-gate.md``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from labeljoin.keys import percent
from scipy import stats

from moshead.gate.contents import key_stems
from moshead.gate.twins.coincidence import FEWEST_TWINS, Count, Labels
from moshead.gate.twins.neighbours import Neighbours, nearest_in_column

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from moshead.documents.shared import ControlDocument
    from moshead.features.domain import Array
    from moshead.gate.twins.search import TwinSearch

    Indices = NDArray[np.int64]

BOUND = 4.0
"""Standard deviations above expectation from which the control fails; p = 0.00003."""

EFFECT = 0.02
"""Share of held-out clips with a twin from which the control fails."""

COLUMN_EFFECT = 0.25
"""The same for the twins that a single column gives away."""

COPY_CORRELATION = 0.99
"""Correlation with MOS that no single feature reaches: the best scorers reach .95."""

_COPIES_ALIKE = 0.9
_ROWS_FOR_CORRELATION = 30
_EXAMPLES = 3

ControlKind = Literal["twins", "copies", "column", "copied-label"]
EvidenceKind = Literal["rows", "copies", "keys", "column"]


@dataclass(frozen=True)
class Evidence:
    """One finding about what carries a leak.

    Attributes:
        kind: ``rows`` (a pair of twins), ``copies`` (equal feature values), ``keys`` (twins whose
            keys share a beginning), or ``column`` (a column that gives the label away).
        text: The finding in one sentence.
        rows: How many held-out rows it concerns, of those that were examined.
        names: Keys or columns, as examples.
    """

    kind: EvidenceKind
    text: str
    rows: int
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Control:
    """Result of the control.

    Attributes:
        kind: ``twins`` (all features), ``copies`` (rows whose features are equal), ``column`` (one
            column identifies the clip) or ``copied-label`` (one column is almost the MOS); what
            failed, or ``twins`` where nothing did.
        statistic: Standard deviations above expectation; a correlation for ``copied-label``.
        bound: The statistic from which the control fails.
        effect: Estimated share of held-out clips with a twin, in [0, 1].
        effect_bound: The effect from which the control fails.
        passed: Whether statistic or effect stay below their bounds.
        reason: What was found, in one sentence.
        examined: Held-out rows that were examined.
        same: Clips' worth of nearest training rows with exactly the same label.
        expected: The same if there were no twins.
        evidence: What carries the leak, where it failed; equal rows in any case.
    """

    kind: ControlKind
    statistic: float
    bound: float
    effect: float
    effect_bound: float
    passed: bool
    reason: str
    examined: int
    same: float
    expected: float
    evidence: tuple[Evidence, ...] = ()

    def to_dict(self) -> ControlDocument:
        """The control as the manifest's ``control`` member."""
        return {
            "kind": self.kind,
            "statistic": self.statistic,
            "bound": self.bound,
            "effect": self.effect,
            "effect_bound": self.effect_bound,
            "passed": self.passed,
            "reason": self.reason,
            "examined": self.examined,
            "same": self.same,
            "expected": self.expected,
            "evidence": [
                {"kind": e.kind, "text": e.text, "rows": e.rows, "names": list(e.names)}
                for e in self.evidence
            ],
        }


def twin_control(
    search: TwinSearch,
    features: Array,
    *,
    keys: Sequence[str],
    columns: Sequence[str],
) -> Control:
    """Judge whether held-out rows have twins among their training rows.

    Args:
        search: Nearest training rows, from :func:`moshead.gate.twins.search.search_twins`.
        features: Feature values, (N, F); NaN where missing.
        keys: Clip key of each row, for the evidence.
        columns: Name of each feature, for the evidence.
    """
    labels, neighbours, weight = search.labels, search.neighbours, search.weight
    rows = neighbours.rows
    expected = labels.expected(rows, labels.decay(neighbours, search.units))
    twins = labels.count(rows, neighbours.nearest, weight, expected)
    judged = [
        _twins(twins, neighbours),
        *_copies(search, expected),
        *_columns(search, expected, columns),
        *_copied_label(features, labels.mos, search.units, columns),
    ]
    found = next((control for control in judged if not control.passed), judged[0])
    evidence = [*_equal_rows(neighbours, labels, keys)]
    if not found.passed:
        others = [e for c in judged if not c.passed for e in c.evidence][:_EXAMPLES]
        evidence = [*_pairs(neighbours, labels, keys), *evidence, *others]
    return replace(found, evidence=tuple(evidence))


def _result(
    kind: ControlKind, count: Count, bound: float, effect: float, reason: str, examined: int
) -> Control:
    return Control(
        kind=kind,
        statistic=round(count.statistic, 2),
        bound=round(bound, 2),
        effect=round(count.effect, 4),
        effect_bound=effect,
        passed=not count.fails(bound, effect),
        reason=reason,
        examined=examined,
        same=round(count.same, 1),
        expected=round(count.expected, 1),
    )


def _twins(count: Count, neighbours: Neighbours) -> Control:
    found = (
        f"the nearest training row has exactly the same MOS for {count.same:.0f} of {count.clips} "
        f"held-out clips, where coincidence explains {count.expected:.0f}"
    )
    if count.fails(BOUND, EFFECT):
        reason = (
            f"About {percent(min(count.effect, 1.0))} of the held-out clips have a twin among "
            f"their training rows: {found}"
        )
    else:
        reason = f"Held-out rows have no twins among their training rows: {found}"
    return _result("twins", count, BOUND, EFFECT, reason, len(neighbours.rows))


def _copies(search: TwinSearch, expected: Array) -> Iterator[Control]:
    """Judge rows whose features are equal, or nearly: are their labels equal more often?"""
    labels, neighbours, weight = search.labels, search.neighbours, search.weight
    equal = neighbours.near_duplicates
    if not equal.any():
        return
    rows, others = neighbours.rows, neighbours.nearest
    same = labels.identity[rows] == labels.identity[others]
    within, among = float(weight @ equal), float(weight @ (equal & same))
    near = labels.near(rows, others)
    chance = float(weight @ (expected * near * equal)) / within
    rest = float(weight @ ~equal)
    if rest >= FEWEST_TWINS:
        # Equal features may predict equal labels; other neighbours show how well.
        chance = max(chance, float(weight @ (same & ~equal)) / rest)
    count = Count(among, chance * within, within, round(float(weight.sum())))
    if among < _COPIES_ALIKE * within or not count.fails(BOUND, EFFECT):
        return
    yield _result(
        "copies",
        count,
        BOUND,
        EFFECT,
        f"{within:.0f} of {count.clips} held-out clips have the same feature values as a training "
        f"row, and {among:.0f} of those the same MOS: they are copies under other keys",
        len(rows),
    )


def _columns(search: TwinSearch, expected: Array, columns: Sequence[str]) -> Iterator[Control]:
    """Judge each column alone: does it identify the clip, and with it the label?"""
    z, labels, rows = search.z, search.labels, search.neighbours.rows
    rng = np.random.Generator(np.random.PCG64([search.seed, 79]))
    varying = np.flatnonzero(np.ptp(z, axis=0) > 0)
    if not len(varying):
        return
    # Bonferroni: the bound of one test, divided among all columns.
    bound = float(stats.norm.isf(stats.norm.sf(BOUND) / len(varying)))
    found = []
    for at in varying:
        nearest = nearest_in_column(z[:, at], rows, labels.fold, rng)
        count = labels.count(rows, nearest, search.weight, expected)
        if count.fails(bound, COLUMN_EFFECT):
            found.append((count, columns[int(at)]))
    for count, name in sorted(found, key=lambda each: (-each[0].effect, each[1])):
        reason = (
            f"The column {name} identifies the clip: {count.same:.0f} of {count.clips} held-out "
            f"clips have exactly the MOS of the training row that is nearest in it, where "
            f"coincidence explains {count.expected:.0f}"
        )
        control = _result("column", count, bound, COLUMN_EFFECT, reason, len(rows))
        yield replace(control, evidence=(Evidence("column", reason, round(count.same), (name,)),))


def _copied_label(
    features: Array, mos: Array, units: Indices, columns: Sequence[str]
) -> Iterator[Control]:
    """Judge whether a column is the MOS, rounded or slightly changed."""
    _, first = np.unique(units, return_index=True)
    for name, values in zip(columns, features[first].T, strict=True):
        known = np.isfinite(values)
        if known.sum() < _ROWS_FOR_CORRELATION or np.ptp(values[known]) == 0:
            continue
        r = abs(float(np.corrcoef(values[known], mos[first][known])[0, 1]))
        # The lower end of the interval by Fisher's z, at the level of the bound.
        low = float(np.tanh(np.arctanh(min(r, 1 - 1e-12)) - BOUND / np.sqrt(known.sum() - 3)))
        if low >= COPY_CORRELATION:
            reason = (
                f"The column {name} is almost the MOS (correlation {r:.4f}), closer than any "
                "feature or scorer follows people"
            )
            yield Control(
                kind="copied-label",
                statistic=round(r, 4),
                bound=COPY_CORRELATION,
                effect=1.0,
                effect_bound=1.0,
                passed=False,
                reason=reason,
                examined=int(known.sum()),
                same=0.0,
                expected=0.0,
                evidence=(Evidence("column", reason, int(known.sum()), (name,)),),
            )


def _equal_rows(neighbours: Neighbours, labels: Labels, keys: Sequence[str]) -> Iterator[Evidence]:
    equal = neighbours.near_duplicates
    count = int(equal.sum())
    if not count:
        return
    same = labels.identity[neighbours.rows] == labels.identity[neighbours.nearest]
    pairs = [
        (keys[row], keys[other])
        for row, other in zip(neighbours.rows[equal], neighbours.nearest[equal], strict=True)
    ]
    first, second = pairs[0]
    yield Evidence(
        "copies",
        f"{count} of {len(equal)} held-out rows have the same feature values as a training row "
        f"with another key, {int((equal & same).sum())} of them with the same MOS, such as "
        f"{first!r} and {second!r}",
        count,
        tuple(dict.fromkeys(name for pair in pairs[:_EXAMPLES] for name in pair)),
    )


def _pairs(neighbours: Neighbours, labels: Labels, keys: Sequence[str]) -> Iterator[Evidence]:
    """Show the twins, and whether their keys share a beginning."""
    same = np.flatnonzero(labels.identity[neighbours.rows] == labels.identity[neighbours.nearest])
    if not len(same):
        return
    nearest_first = same[np.argsort(neighbours.distance[same], kind="stable")]
    pairs = [(int(neighbours.rows[at]), int(neighbours.nearest[at])) for at in nearest_first]
    stems = key_stems([keys[row] for pair in pairs for row in pair])
    own, theirs = stems[::2], stems[1::2]
    alike = [pair for pair, a, b in zip(pairs, own, theirs, strict=True) if a == b]
    if len(alike) >= max(FEWEST_TWINS, len(pairs) / 4):
        row, other = alike[0]
        yield Evidence(
            "keys",
            f"{len(alike)} of {len(pairs)} twins have keys that share a beginning, such as "
            f"{keys[row]!r} and {keys[other]!r} (MOS {labels.mos[row]:g}): these look like rows "
            "of one clip",
            len(alike),
            tuple(dict.fromkeys(keys[r] for pair in alike[:_EXAMPLES] for r in pair)),
        )
    row, other = pairs[0]
    yield Evidence(
        "rows",
        f"The closest twins are {keys[row]!r} and {keys[other]!r}, both with MOS "
        f"{labels.mos[row]:g}",
        len(pairs),
        tuple(dict.fromkeys(keys[r] for pair in pairs[:_EXAMPLES] for r in pair)),
    )

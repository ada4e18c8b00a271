"""The rules behind the next steps, one sentence each, as the reports print them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from signalaudit.documents import Step, StepKind

RULES: dict[str, str] = {
    "no-target": "A table without a target can only be described: join labels first.",
    "copied-target": "A column that correlates with the target at 0.999 or more is treated as a "
    "copy of it. Remove it before you train anything.",
    "self-reference": "Three or more constant full-reference columns mean that clips were "
    "compared with themselves.",
    "weak-family": "A family whose columns are all constant, flat or mostly empty needs to be "
    "extracted again. Families that only describe clips may be constant.",
    "backwards": "Check a score first if its known direction contradicts its correlation with the "
    "target.",
    "noise-ceiling": "If all signals together come within 0.01 of the PLCC that label noise "
    "allows, more ratings are worth more than more columns.",
    "first-opinion": "A table with human ratings and no second opinion needs one first: it is the "
    "only kind of column that was itself trained on human ratings.",
    "another-opinion": "If the gain of the second opinions is confirmed (its interval lies above "
    "zero) and fewer than three independent scorers stand behind it, add another independent one. "
    "Scorers count as one if one's name continues another's, or if they rank clips alike.",
    "saturated": "If a full-reference metric saturates while the target still varies, add a "
    "metric that still separates those clips.",
    "missing-family": "Missing families follow in their own order (priority in families.toml). "
    "Their gain is unknown until you add them.",
    "not-here": "Families that need something this table shows no trace of (a reference, HDR "
    "material) can wait.",
    "carries": "Keep a block whose added PLCC has an interval above zero.",
    "redundant": "In each redundant cluster one column can represent the others: the one with the "
    "strongest correlation with the target.",
    "unknown-room": "The room for improvement is known only if the table has mos_std_dev and "
    "mos_n_ratings.",
    "watch": "The clips that all signals together rank most wrongly show what the columns miss.",
}


def step(
    kind: StepKind,
    rule: str,
    title: str,
    why: str,
    *,
    families: Sequence[str] = (),
    columns: Sequence[str] = (),
) -> Step:
    """Return one next step as the audit lists it.

    Args:
        kind: What to do: ``fix``, ``add``, ``keep``, ``thin``, ``look`` or ``later``.
        rule: The name of the rule in :data:`RULES`.
        title: The recommendation, as an imperative.
        why: The numbers that made the rule apply.
        families: Keys of the families concerned.
        columns: The columns concerned.
    """
    return {
        "kind": kind,
        "rule": rule,
        "title": title,
        "why": why,
        "families": list(families),
        "columns": list(columns),
    }

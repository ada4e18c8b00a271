"""Tables that card, terminal and validation share: a head by corpus, and its recalibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from labeljoin.keys import percent

from moshead.export.markdown import ends, name, number, signed

HEADINGS = (
    "corpus",
    "rows",
    "PLCC",
    "95 % interval",
    "SROCC",
    "RMSE",
    "bias",
    "intervals hold",
    "best baseline",
    "passes",
)


def corpora_rows(corpora: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Return one row for each corpus, under :data:`HEADINGS`.

    Args:
        corpora: ``corpora`` of a manifest or a validation.
    """
    return [
        (
            each["name"],
            f"{each['rows']:,}",
            number(each["plcc"]),
            ends(each["ci"].get("plcc")),
            number(each["srocc"]),
            number(each["rmse"]),
            f"{each['bias']:+.3f}",
            "none" if each["coverage"] is None else percent(each["coverage"]["covered"]),
            _best(each.get("baselines") or ()),
            "yes" if each["passed"] else "no",
        )
        for each in corpora
    ]


def marked_rows(corpora: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Return the same with the marks of Markdown."""
    return [
        (name(row[0]), *row[1:8], name(row[8]), "yes" if row[9] == "yes" else "**no**")
        for row in corpora_rows(corpora)
    ]


AWAY_HEADINGS = (
    "judged on",
    "trained on",
    "rows",
    "PLCC",
    "SROCC",
    "RMSE",
    "bias",
    "intervals hold",
    "in domain",
    "best baseline",
)


def away_rows(away: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Return one row for each corpus left out, and one for each baseline there.

    Args:
        away: ``away`` of a manifest.
    """
    rows: list[tuple[str, ...]] = []
    for each in away:
        rows.append(
            (
                each["name"],
                ", ".join(each["trained_on"]),
                f"{each['rows']:,}",
                *(number(each[member]) for member in ("plcc", "srocc", "rmse")),
                f"{each['bias']:+.3f}",
                percent(each["covered"]),
                percent(each["in_domain"]),
                _best(each["baselines"]),
            )
        )
        for other in each["baselines"]:
            bias = other["bias"]
            rows.append(
                (
                    "",
                    other["name"],
                    "",
                    *(number(other[member]) for member in ("plcc", "srocc", "rmse")),
                    "none" if bias is None else f"{bias:+.3f}",
                    "",
                    "",
                    "",
                )
            )
    return rows


def control_sentences(corpora: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what the twin control says of the corpora that it examined one by one."""
    examined = [each for each in corpora if each["control"] is not None]
    if not examined:
        return []
    failed = [each for each in examined if not each["control"]["passed"]]
    if not failed:
        return [f"The twin control passed within each of the {len(examined)} corpora."]
    return [
        f"The twin control failed within {each['name']}: {each['control']['reason']}."
        for each in failed
    ]


def _best(baselines: Sequence[Mapping[str, Any]]) -> str:
    """The strongest baseline on a corpus, with what the head has over it."""
    if not baselines or baselines[0]["plcc"] is None:
        return "none"
    best = baselines[0]
    difference = best["difference"]["plcc"]
    over = "" if difference is None else f" ({difference:+.4f})"
    return f"{best['name']} {best['plcc']:.4f}{over}"


def figure_rows(recalibration: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return figures before and after, one row each.

    Args:
        recalibration: The member ``recalibration`` of a manifest.
    """
    before, after = recalibration["before"] or {}, recalibration["after"]
    shown = (
        ("PLCC", "plcc", number),
        ("SROCC", "srocc", number),
        ("RMSE", "rmse", number),
        ("bias", "bias", signed),
        (f"intervals hold (alpha {recalibration['alpha']:g})", "covered", _share),
        ("their mean width", "mean_width", number),
    )
    return [(label, form(before.get(name)), form(after[name])) for label, name, form in shown]


def curve_rows(recalibration: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return the learning curve, one row for each number of labels.

    Args:
        recalibration: The member ``recalibration`` of a manifest.
    """
    return [
        (str(each["labels"]), number(each["rmse"]), f"{each['low']:.4f} to {each['high']:.4f}")
        for each in recalibration["curve"]
    ]


def _share(value: float | None) -> str:
    return "none" if value is None else percent(value)

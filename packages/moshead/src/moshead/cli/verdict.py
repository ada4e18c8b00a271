"""A training run's verdict, for people."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moshead.export.card import contents_sentence
from moshead.export.tables import (
    AWAY_HEADINGS,
    HEADINGS,
    away_rows,
    control_sentences,
    corpora_rows,
)
from moshead.gate.thresholds import PRODUCTION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.console import RenderableType

_REPORTED = (
    ("rmse_over_mos_sd", "RMSE / standard deviation of MOS"),
    ("fold_plcc_spread", "PLCC spread over folds"),
    ("partition_plcc_spread", "PLCC spread over partitions"),
    ("mean_mapped_plcc", "PLCC after logistic mapping"),
    ("mean_krocc", "mean Kendall τ"),
    ("outlier_ratio", "outlier ratio"),
    ("label_noise_ceiling", "label-noise ceiling of PLCC"),
)
"""Numbers beside the gate, and what the terminal calls them."""


def _control(control: Mapping[str, Any]) -> Iterator[RenderableType]:
    from rich.text import Text

    yield Text(
        f"Twin control {'passed' if control['passed'] else 'failed'}: {control['reason']} "
        f"({control['statistic']:g} standard deviations; the bound is {control['bound']:g} with an "
        f"effect of {control['effect_bound']:.0%})."
        if control["kind"] != "copied-label"
        else f"Twin control failed: {control['reason']}."
    )
    for evidence in control["evidence"]:
        yield Text(f"- {evidence['text']}.")


def renderables(manifest: Mapping[str, Any], path: Path) -> Iterator[RenderableType]:
    """The gate as a table, the sentence, the notes, and where the head is.

    Args:
        manifest: The manifest.
        path: Where it was written; it names head and card from its own folder.
    """
    from rich.table import Table
    from rich.text import Text

    gate = manifest["gate"]
    corpus = manifest["corpus"]
    table = Table(title=f"{manifest['id']}: {gate['status']}", title_justify="left")
    for heading in ("", "measured", "95 % interval", "gate"):
        table.add_column(heading)
    for each in PRODUCTION:
        bound = gate["thresholds"].get(each.name)
        table.add_row(
            each.label,
            *_measured(gate, each.number),
            "" if bound is None else f"{each.sign} {bound}",
        )
    for name, word in _REPORTED:
        if gate.get(name) is not None:
            table.add_row(word, *_measured(gate, name), "")
    yield table
    yield Text(
        f"{corpus['rows']} rows of {corpus['clips']} clips; {len(manifest['seeds'])} seeds; "
        f"folds: {manifest['folds']['k']} ({manifest['folds']['kind']})."
    )
    if corpus["labels_dropped"]:
        reasons = ", ".join(f"{n} {reason}" for reason, n in corpus["labels_dropped"].items())
        yield Text(f"Rows dropped: {reasons}.")
    if manifest["control"] is not None:
        yield from _control(manifest["control"])
    if manifest["contents"] is not None:
        yield Text(contents_sentence(manifest["contents"]))
    yield from _baselines(manifest)
    yield from _corpora(manifest["corpora"])
    yield from _away(manifest["away"])
    for note in manifest["notes"]:
        yield Text(note)
    yield Text(gate["sentence"])
    names = {"head": manifest["onnx"], "model card": manifest["card"], "manifest": path.name}
    for word, name in names.items():
        if name is not None:
            yield Text(f"{word}: {Path(os.path.normpath(path.parent / name))}")


def _corpora(corpora: Sequence[Mapping[str, Any]]) -> Iterator[RenderableType]:
    """The head on each corpus, if there is more than one."""
    from rich.table import Table
    from rich.text import Text

    if len(corpora) < 2:
        return
    table = Table(title="By corpus", title_justify="left")
    for heading in HEADINGS:
        table.add_column(heading)
    for row in corpora_rows(corpora):
        table.add_row(*map(Text, row))
    yield table
    for sentence in control_sentences(corpora):
        yield Text(sentence)


def _away(away: Sequence[Mapping[str, Any]]) -> Iterator[RenderableType]:
    """Each corpus left out in turn, with the baselines beside it."""
    from rich.table import Table
    from rich.text import Text

    if not away:
        return
    table = Table(title="Away from home", title_justify="left")
    for heading in AWAY_HEADINGS[:-1]:
        table.add_column(heading)
    for row in away_rows(away):
        table.add_row(*map(Text, row[:-1]))
    yield table


def _measured(gate: Mapping[str, Any], name: str) -> tuple[str, str]:
    """Return a number of the gate and its interval, as the table shows them."""
    value = gate.get(name)
    low, high = gate["ci"].get(name) or (None, None)
    return (
        "–" if value is None else f"{value:.4f}",
        "" if low is None or high is None else f"{low:.4f} to {high:.4f}",
    )


def _baselines(manifest: Mapping[str, Any]) -> Iterator[RenderableType]:
    """The baselines as a table, and what is in doubt about them."""
    from rich.table import Table
    from rich.text import Text

    if not manifest["baselines"]:
        return
    table = Table(title="Baselines on the same folds", title_justify="left")
    for heading in ("", "PLCC", "SROCC", "RMSE", "head minus baseline", "95 % interval"):
        table.add_column(heading)
    for each in manifest["baselines"]:
        doubt = each["contamination"]
        mark = " †" if doubt is not None and doubt["status"] == "contaminated" else ""
        difference = each["difference"]
        low, high = difference["low"], difference["high"]
        table.add_row(
            Text(each["name"] + mark),
            *("–" if each[n] is None else f"{each[n]:.4f}" for n in ("plcc", "srocc", "rmse")),
            "–" if difference["plcc"] is None else f"{difference['plcc']:+.4f}",
            "" if low is None or high is None else f"{low:+.4f} to {high:+.4f}",
        )
    yield table
    for note in manifest["worth"]["notes"]:
        yield Text(note)

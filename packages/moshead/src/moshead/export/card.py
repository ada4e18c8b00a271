"""The card of a head: Markdown for people, with the front matter that model hubs read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from labeljoin.keys import percent
from provenance.toolkit import markdown_code as code
from provenance.toolkit import summary_html

from moshead.export.markdown import ends, name, number, render, signed
from moshead.export.tables import (
    AWAY_HEADINGS,
    HEADINGS,
    away_rows,
    control_sentences,
    curve_rows,
    figure_rows,
    marked_rows,
)
from moshead.gate.thresholds import PRODUCTION

_REPORTED = (
    ("mean_krocc", "Kendall's τ, mean"),
    ("mean_mapped_plcc", "PLCC after a logistic mapping (VQEG practice)"),
    ("rmse_over_mos_sd", "RMSE relative to the standard deviation of MOS"),
    ("outlier_ratio", "Outlier ratio (ITU-T P.1401)"),
    ("fold_plcc_spread", "PLCC spread over folds"),
    ("partition_plcc_spread", "PLCC spread over this and other fold partitions"),
    ("label_noise_ceiling", "Label-noise ceiling of PLCC"),
    ("spread_clips_needed", "Clips a fold for sampling noise to fit in the spread threshold"),
)
_HDR_SCHEMAS = ("chug-hdr-wide-v1", "chug-hdr-display-v1")


def head_card(
    manifest: Mapping[str, Any],
    *,
    inputs: Mapping[str, Any],
    version: str,
    command: str,
    plot: str | None,
    corpora_plot: str | None = None,
) -> str:
    """Write the card of a head.

    Args:
        manifest: Its manifest (``mos-head-manifest-v1``), without the run record.
        inputs: SHA-256 of each input by name, as in the short run record.
        version: Version of moshead that trained it.
        command: The command line that trains it again.
        plot: File name of the picture beside the card, or None without one.
        corpora_plot: The same of the picture of several corpora.
    """
    return render(
        "export",
        "card.md.j2",
        manifest=manifest,
        front_matter=_front_matter(manifest),
        data=_data(manifest),
        filled=[(column, share) for column, share in manifest["fill"].items() if share],
        never_seen=[column for column, share in manifest["fill"].items() if share == 1],
        members=_members(manifest),
        gated=_gated(manifest["gate"]),
        reported=_reported(manifest["gate"]),
        contents=manifest["contents"] and contents_sentence(manifest["contents"]),
        plot=plot,
        corpora_plot=corpora_plot,
        baselines=_baselines(manifest),
        corpora=marked_rows(manifest["corpora"]),
        corpora_headings=HEADINGS,
        away=[tuple(map(name, row)) for row in away_rows(manifest["away"])],
        away_headings=AWAY_HEADINGS,
        corpora_controls=control_sentences(manifest["corpora"]),
        cells=_cells(manifest),
        figures=figure_rows(manifest["recalibration"]) if "recalibration" in manifest else [],
        curve=curve_rows(manifest["recalibration"]) if "recalibration" in manifest else [],
        intervals=_intervals(manifest["intervals"]),
        lineage=_lineage(manifest, inputs, version),
        command=command,
        features=_all_features(manifest),
    )


def _front_matter(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    gate, corpus = manifest["gate"], manifest["corpus"]
    metrics = [
        {"type": kind, "name": name, "value": gate[member]}
        for kind, name, member in (
            ("pearsonr", "PLCC", "mean_plcc"),
            ("spearmanr", "SROCC", "mean_srocc"),
            ("rmse", "RMSE", "mean_rmse"),
        )
        if gate[member] is not None
    ]
    result = {
        "task": {"type": "tabular-regression", "name": "video quality (MOS) from features"},
        "dataset": {
            "type": "synthetic" if corpus["kind"] != "real" else "custom",
            "name": _corpus_name(manifest),
            "split": "cross-validation",
        },
        "metrics": metrics,
    }
    matter = {
        "library_name": "onnx",
        "pipeline_tag": "tabular-regression",
        "tags": [
            "video-quality-assessment",
            "mos",
            "onnx",
            "moskit",
            f"status:{gate['status'].lower()}",
            *(["hdr"] if manifest["feature_schema"] in _HDR_SCHEMAS else []),
        ],
        "metrics": ["pearsonr", "spearmanr", "rmse"],
        "model-index": [{"name": manifest["id"], "results": [result]}],
    }
    # JSON values are YAML flow values, so no text in them can break the front matter.
    return [(name, json.dumps(value, ensure_ascii=False)) for name, value in matter.items()]


def _corpus_name(manifest: Mapping[str, Any]) -> str:
    if manifest["corpora"]:
        return ", ".join(each["name"] for each in manifest["corpora"])
    return "synthetic rows" if manifest["corpus"]["kind"] != "real" else "human-rated clips"


def _data(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    corpus, recipe, folds = manifest["corpus"], manifest["training_recipe"], manifest["folds"]
    rows: list[tuple[str, str]] = [
        ("Rows trained on", f"{recipe['n_rows']:,}"),
        ("Clips", _count(corpus.get("clips"))),
        ("Groups", _count(corpus.get("groups"))),
        ("Kind", "human ratings" if corpus["kind"] == "real" else f"**{corpus['kind']}**"),
    ]
    dropped = corpus.get("labels_dropped") or {}
    total = sum(dropped.values())
    detail = ", ".join(f"{reason}: {count:,}" for reason, count in dropped.items() if count)
    rows.append(("Rows dropped", f"{total:,}" + (f" ({detail})" if detail else "")))
    mos = corpus["mos"]
    rows.append(
        (
            "MOS",
            f"{mos['min']:.2f} to {mos['max']:.2f}, mean {mos['mean']:.2f}, "
            f"standard deviation {mos['std']:.2f}",
        )
    )
    rows.append(("Evaluation", _folds(folds, manifest["seeds"])))
    return rows


def _folds(folds: Mapping[str, Any], seeds: Sequence[int]) -> str:
    kind = folds.get("kind", "k-fold")
    sizes = [size["held_out"] for size in folds.get("sizes") or []]
    spread = ""
    if sizes:
        least, most = min(sizes), max(sizes)
        spread = f" of {least:,} rows" if least == most else f" of {least:,} to {most:,} rows"
    return f"{kind}, {folds.get('k', len(sizes))} folds{spread}, {len(seeds)} seeds"


def _members(manifest: Mapping[str, Any]) -> list[tuple[str, ...]]:
    return [
        (
            member["member"],
            member["transform"],
            f"{member['weight']:.3f}",
            f"{member['penalty']:.4g}",
            f"{member['width']:.4g}" if "width" in member else "",
            f"{member['centres']:,}" if "centres" in member else "",
        )
        for member in manifest["training_recipe"].get("members") or []
    ]


def _gated(gate: Mapping[str, Any]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for threshold in PRODUCTION:
        bound, value = gate["thresholds"].get(threshold.name), gate.get(threshold.number)
        if bound is None and value is None:
            continue
        verdict = ("not gated", "")
        if bound is not None:
            met = replace(threshold, bound=bound).is_met_by(value)
            verdict = (f"{threshold.sign} {bound:g}", "yes" if met else "**no**")
        interval = ends(gate["ci"].get(threshold.number))
        rows.append((threshold.label, number(value), interval, *verdict))
    return rows


def _reported(gate: Mapping[str, Any]) -> list[tuple[str, str]]:
    rows = [(label, number(gate.get(member))) for member, label in _REPORTED if gate.get(member)]
    others = [value for value in (gate.get("partitions") or {}).values() if value is not None]
    if others:
        mean = sum(others) / len(others)
        rows.append((f"PLCC, mean of {len(others)} other fold partitions", number(mean)))
    return rows


def contents_sentence(contents: Mapping[str, Any]) -> str:
    """Say what looks like contents, and what the head scores where they are held out whole."""

    def shown(scores: Mapping[str, Any]) -> str:
        return ", ".join(
            f"{name} {number(scores[member])}"
            for name, member in (
                ("PLCC", "mean_plcc"),
                ("SROCC", "mean_srocc"),
                ("RMSE", "mean_rmse"),
            )
        )

    return (
        f"{contents['sentence']}. With whole contents held out: {shown(contents['grouped'])}; "
        f"as judged: {shown(contents['ungrouped'])} (first seed)."
    )


def _baselines(manifest: Mapping[str, Any]) -> list[tuple[str, ...]]:
    rows = []
    for each in manifest["baselines"]:
        doubt, difference = each["contamination"], each["difference"]
        mark = " †" if doubt is not None and doubt["status"] == "contaminated" else ""
        rows.append(
            (
                f"{name(each['name'])}{mark}",
                *(number(each[member]) for member in ("plcc", "srocc", "rmse")),
                signed(difference["plcc"]),
                ends((difference["low"], difference["high"])),
            )
        )
    return rows


def _cells(manifest: Mapping[str, Any]) -> list[tuple[str, ...]]:
    scores = manifest["gate"]["fold_scores"]
    folds = sorted({score["fold"] for score in scores})
    seeds = sorted({score["seed"] for score in scores})
    cell = {(score["fold"], score["seed"]): score for score in scores}

    def row(name: str, members: Iterable[Mapping[str, Any]], member: str) -> tuple[str, ...]:
        values = [score[member] for score in members]
        known = [value for value in values if value is not None]
        mean = sum(known) / len(known) if known and len(known) == len(values) else None
        return (name, *(number(value) for value in values), number(mean))

    head = ("", *(f"fold {fold}" for fold in folds), "mean")
    lines = [row(f"PLCC, seed {s}", [cell[f, s] for f in folds], "plcc") for s in seeds]
    for member in ("plcc", "srocc", "rmse"):
        means = []
        for fold in folds:
            values = [cell[fold, seed][member] for seed in seeds]
            known = [value for value in values if value is not None]
            means.append({member: sum(known) / len(known) if len(known) == len(values) else None})
        lines.append(row(f"**{member.upper()}, mean of seeds**", means, member))
    return [head, *lines]


def _intervals(intervals: Mapping[str, Any] | None) -> list[tuple[str, ...]]:
    if intervals is None:
        return []
    return [
        (
            alpha,
            f"± {intervals['residual_quantiles'][alpha]:.2f}",
            percent(intervals["guaranteed_coverage"][alpha]),
            percent(1 - float(alpha)),
        )
        for alpha in intervals["residual_quantiles"]
    ]


def _lineage(
    manifest: Mapping[str, Any], inputs: Mapping[str, Any], version: str
) -> list[tuple[str, str]]:
    rows = [("moshead", version)]
    if manifest["sha256"]:
        rows.append((code(manifest["onnx"]), code(manifest["sha256"])))
    for given, digests in inputs.items():
        for digest in digests if isinstance(digests, list) else [digests]:
            if digest:
                rows.append((f"input {code(given)}", code(digest)))
    return rows


def _all_features(manifest: Mapping[str, Any]) -> list[tuple[str, ...]]:
    return [
        (
            code(column),
            f"{mean:.6g}",
            f"{std:.6g}",
            f"{manifest['imputation'][column]:.6g}",
            percent(manifest["fill"][column]) if column in manifest["fill"] else "required",
        )
        for column, mean, std in zip(
            manifest["feature_order"],
            manifest["feature_mean"],
            manifest["feature_std"],
            strict=True,
        )
    ]


def _count(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else "not given"


def verdict_html(manifest: Mapping[str, Any]) -> str:
    """Return the verdict on a head as notebooks show it.

    Args:
        manifest: Its manifest (``mos-head-manifest-v1``).
    """
    gate, corpus = manifest["gate"], manifest["corpus"]
    return summary_html(
        f"Head {manifest['id']}: {gate['status']}",
        f"{manifest['worth']['sentence']} {gate['sentence']}",
        tone="good" if gate["passed"] else "bad",
        facts=[
            ("rows", f"{corpus['rows']:,}"),
            ("clips", f"{corpus['clips']:,}"),
            ("seeds", f"{len(manifest['seeds'])}"),
        ],
        tables=[
            (
                "The gate",
                ("statistic", "measured", "95 % interval", "bound", "met"),
                [[each.replace("**", "") for each in row] for row in _gated(gate)],
            ),
            (
                "Baselines on the same folds",
                ("baseline", "PLCC", "SROCC", "RMSE", "head − baseline, PLCC"),
                [
                    [
                        each["name"],
                        *(each[member] for member in ("plcc", "srocc", "rmse")),
                        signed(each["difference"]["plcc"]),
                    ]
                    for each in manifest["baselines"]
                ],
            ),
        ],
        notes=manifest["notes"],
    )

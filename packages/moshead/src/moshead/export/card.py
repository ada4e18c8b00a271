"""The card of a head: Markdown for people, with the front matter that model hubs read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from labeljoin.keys import percent

_GATED = (
    ("mean_plcc", "PLCC, mean over folds and seeds", "mean_plcc_min", "≥"),
    ("mean_srocc", "SROCC, mean", "mean_srocc_min", "≥"),
    ("mean_rmse", "RMSE, mean, MOS", "mean_rmse_max", "≤"),
    ("plcc_spread", "PLCC spread over seeds", "plcc_spread_max", "≤"),
)
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
) -> str:
    """Write the card of a head.

    Args:
        manifest: Its manifest (``mos-head-manifest-v1``), without the run record.
        inputs: SHA-256 of each input by name, as in the short run record.
        version: Version of moshead that trained it.
        command: The command line that trains it again.
        plot: File name of the picture beside the card, or None without one.
    """
    sections = [
        _front_matter(manifest),
        _summary(manifest),
        _data(manifest),
        _features(manifest),
        _recipe(manifest),
        _gate(manifest),
        _control(manifest),
        _picture(plot),
        _baselines(manifest),
        _cells(manifest),
        _intervals(manifest),
        _limits(manifest),
        _lineage(manifest, inputs, version),
        f"## How to reproduce\n\n```text\n{command}\n```\n\n"
        "In the locked environment this gives the same ONNX bytes on any x86-64 processor"
        + (
            "."
            if manifest["training_recipe"].get("device", "cpu") == "cpu"
            else "; but this head was trained on CUDA, where that does not hold."
        ),
        _all_features(manifest),
    ]
    return "\n\n".join(section.strip() for section in sections if section) + "\n"


def _front_matter(manifest: Mapping[str, Any]) -> str:
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
    lines = [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in matter.items()]
    return "---\n" + "\n".join(lines) + "\n---"


def _corpus_name(manifest: Mapping[str, Any]) -> str:
    corpora = manifest["corpus"].get("corpora")
    if isinstance(corpora, Mapping) and corpora:
        return ", ".join(sorted(map(str, corpora)))
    return "synthetic rows" if manifest["corpus"]["kind"] != "real" else "human-rated clips"


def _summary(manifest: Mapping[str, Any]) -> str:
    gate = manifest["gate"]
    notes = "\n".join(f"- {note}" for note in manifest["notes"])
    architecture = manifest["training_recipe"].get("architecture")
    nets = "one net" if manifest["n_nets"] == 1 else f"{manifest['n_nets']} nets, averaged,"
    exported = (
        f"The ONNX graph (opset {manifest['opset']}) takes raw feature values and returns a MOS."
        if manifest["onnx"]
        else "This run exported no ONNX file."
    )
    return (
        f"# {manifest['id']}\n\n"
        f"**Status: {gate['status']}.** {gate['sentence']}\n\n"
        f"A MOS head: {nets} of {manifest['n_parameters']:,} trained numbers that map "
        f"{len(manifest['feature_order'])} features of a clip (schema "
        f"`{manifest['feature_schema']}`) to a mean opinion score on the five-point ACR scale, "
        f"[1, 5]. {exported}"
        + (f" Architecture: `{architecture}`." if architecture else "")
        + (f"\n\n{notes}" if notes else "")
    )


def _data(manifest: Mapping[str, Any]) -> str:
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
    return "## Data\n\n" + _table(("", ""), rows)


def _folds(folds: Mapping[str, Any], seeds: Sequence[int]) -> str:
    kind = folds.get("kind", "k-fold")
    sizes = [size["held_out"] for size in folds.get("sizes") or []]
    spread = ""
    if sizes:
        least, most = min(sizes), max(sizes)
        spread = f" of {least:,} rows" if least == most else f" of {least:,} to {most:,} rows"
    return f"{kind}, {folds.get('k', len(sizes))} folds{spread}, {len(seeds)} seeds"


def _features(manifest: Mapping[str, Any]) -> str:
    fill = {name: share for name, share in manifest["fill"].items() if share}
    order = manifest["feature_order"]
    transforms = "; ".join(manifest["training_recipe"].get("transforms") or ["none"])
    lines = [
        f"{len(order)} columns of schema `{manifest['feature_schema']}`. Transforms inside the "
        f"graph: {transforms}. A value that is not finite takes the training median (last section)."
    ]
    indicators = manifest["training_recipe"].get("missing_indicators")
    if indicators:
        lines.append(
            "More than 2 % of these columns was missing in training, so the head also reads "
            "whether the value is there: "
            + ", ".join(f"`{name}`" for name in indicators)
            + ". The predictor puts the number of the last section, far beyond the training range, "
            "in place of a missing value; the graph recognises it, sets the indicator, and goes on "
            "with the median."
        )
    if fill:
        lines.append(
            "Columns that were absent or null in some rows and took the schema's fill value: "
            + ", ".join(f"`{name}` ({percent(share)} of rows)" for name, share in fill.items())
            + "."
        )
    else:
        lines.append("No column was filled.")
    return "## Features\n\n" + "\n\n".join(lines)


def _recipe(manifest: Mapping[str, Any]) -> str:
    recipe = manifest["training_recipe"]
    text = f"Family `{recipe['family']}`: {recipe['stored_rows']}."
    if recipe.get("chosen_by"):
        text += f" Everything below was chosen by {recipe['chosen_by']}."
    members = recipe.get("members")
    if members:
        rows = [
            (
                member["member"],
                member["transform"],
                f"{member['weight']:.3f}",
                f"{member['penalty']:.4g}",
                f"{member['width']:.4g}" if "width" in member else "",
                f"{member['centres']:,}" if "centres" in member else "",
            )
            for member in members
        ]
        head = ("member", "features as", "weight", "penalty", "width", "centres")
        text += "\n\n" + _table(head, rows)
    return f"## Recipe\n\n{text}"


def _gate(manifest: Mapping[str, Any]) -> str:
    gate = manifest["gate"]
    gated = []
    for member, name, threshold, sign in _GATED:
        bound = gate["thresholds"].get(threshold)
        if bound is None and gate.get(member) is None:
            continue
        gated.append(
            (
                name,
                _number(gate.get(member)),
                _ci(gate["ci"].get(member)),
                "not gated" if bound is None else f"{sign} {bound:g}",
                "" if bound is None else _met(gate.get(member), bound, sign),
            )
        )
    reported = [(name, _number(gate.get(member))) for member, name in _REPORTED if gate.get(member)]
    others = [value for value in (gate.get("partitions") or {}).values() if value is not None]
    if others:
        mean = sum(others) / len(others)
        reported.append((f"PLCC, mean of {len(others)} other fold partitions", _number(mean)))
    unit = gate.get("ci_unit", "clips")
    text = "## Gate\n\n" + _table(("number", "value", "95 % interval", "threshold", "met"), gated)
    text += (
        f"\n\nIntervals are bootstrap percentiles over {unit} within each fold. PLCC and RMSE are "
        "on raw predictions. Every clip is predicted by nets that had not seen it."
    )
    if reported:
        text += "\n\nReported, not gated:\n\n" + _table(("number", "value"), reported)
    if gate["label_noise_ceiling"] is None:
        text += (
            "\n\nThe table has no rating counts and deviations, so how much of the error is the "
            "labels' own noise is unknown."
        )
    elif gate["label_noise_basis"] is not None:
        low, high = gate["label_noise_ceiling_ci"]
        between = "" if low is None else f", 95 % interval {low:.3f} to {high:.3f}"
        text += (
            f"\n\nThe label-noise ceiling ({gate['label_noise_ceiling']:.3f}{between}) rests on "
            f"{gate['label_noise_basis']}."
        )
    return text


def _control(manifest: Mapping[str, Any]) -> str:
    control, contents = manifest["control"], manifest["contents"]
    if control is None:
        return ""
    lines = [
        f"**{'Passed' if control['passed'] else 'Failed'}.** {control['reason']}.",
        *(f"- {evidence['text']}." for evidence in control["evidence"]),
    ]
    text = "## Twins of held-out rows among training rows\n\n" + "\n".join(lines)
    if control["kind"] != "copied-label":
        text += (
            f"\n\n{control['statistic']:g} standard deviations above coincidence and an estimated "
            f"{percent(control['effect'])} of the held-out clips; the control fails from "
            f"{control['bound']:g} with {percent(control['effect_bound'])}. "
            f"{control['examined']:,} held-out rows were examined."
        )
    if contents is not None:
        text += "\n\n" + contents_sentence(contents)
    return text


def contents_sentence(contents: Mapping[str, Any]) -> str:
    """Say what looks like contents, and what the head scores where they are held out whole."""

    def shown(scores: Mapping[str, Any]) -> str:
        return ", ".join(
            f"{name} {_number(scores[member])}"
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


def _baselines(manifest: Mapping[str, Any]) -> str:
    baselines = manifest["baselines"]
    if not baselines:
        return ""
    rows = []
    for each in baselines:
        doubt, difference = each["contamination"], each["difference"]
        mark = " †" if doubt is not None and doubt["status"] == "contaminated" else ""
        rows.append(
            (
                f"{_text(each['name'])}{mark}",
                _number(each["plcc"]),
                _number(each["srocc"]),
                _number(each["rmse"]),
                "none" if difference["plcc"] is None else f"{difference['plcc']:+.4f}",
                _ci((difference["low"], difference["high"])),
            )
        )
    worth = manifest["worth"]
    text = f"## Baselines\n\n{worth['sentence']}\n\n" + _table(
        ("baseline", "PLCC", "SROCC", "RMSE", "PLCC of the head minus it", "95 % interval"), rows
    )
    text += (
        "\n\nOn the folds that judged the head, each fitted to a fold's training rows alone. "
        f"Intervals are paired bootstrap percentiles over {manifest['gate'].get('ci_unit')}."
    )
    settings = "\n".join(f"- {_text(e['name'])}: {e['settings']}." for e in baselines)
    notes = "\n".join(f"- {note}" for note in worth["notes"])
    return f"{text}\n\n{settings}" + (f"\n\n{notes}" if notes else "")


def _text(name: str) -> str:
    return name.replace("_", "\\_").replace("|", "\\|").replace("*", "\\*")


def _picture(plot: str | None) -> str:
    if plot is None:
        return ""
    return (
        "## Predicted against MOS\n\n"
        f"![Predicted against rated MOS for held-out clips, and the absolute errors]({plot})\n\n"
        "Each clip once: its out-of-fold prediction, averaged over the seeds."
    )


def _cells(manifest: Mapping[str, Any]) -> str:
    scores = manifest["gate"]["fold_scores"]
    folds = sorted({score["fold"] for score in scores})
    seeds = sorted({score["seed"] for score in scores})
    cell = {(score["fold"], score["seed"]): score for score in scores}

    def row(name: str, members: Iterable[Mapping[str, Any]], member: str) -> tuple[str, ...]:
        values = [score[member] for score in members]
        known = [value for value in values if value is not None]
        mean = sum(known) / len(known) if known and len(known) == len(values) else None
        return (name, *(_number(value) for value in values), _number(mean))

    head = ("", *(f"fold {fold}" for fold in folds), "mean")
    lines = [row(f"PLCC, seed {s}", [cell[f, s] for f in folds], "plcc") for s in seeds]
    for member in ("plcc", "srocc", "rmse"):
        means = []
        for fold in folds:
            values = [cell[fold, seed][member] for seed in seeds]
            known = [value for value in values if value is not None]
            means.append({member: sum(known) / len(known) if len(known) == len(values) else None})
        lines.append(row(f"**{member.upper()}, mean of seeds**", means, member))
    return "## Each fold and seed\n\n" + _table(head, lines)


def _intervals(manifest: Mapping[str, Any]) -> str:
    intervals = manifest["intervals"]
    if intervals is None:
        return ""
    rows = [
        (
            alpha,
            f"± {intervals['residual_quantiles'][alpha]:.2f}",
            percent(intervals["guaranteed_coverage"][alpha]),
            percent(1 - float(alpha)),
        )
        for alpha in intervals["residual_quantiles"]
    ]
    method = "CV+" if intervals["method"] == "cv+" else "Split conformal"
    return (
        "## Prediction intervals\n\n"
        f"{method} over {intervals['residuals']:,} held-out residuals of {intervals['folds']} "
        "fold nets (Barber, Candès, Ramdas and Tibshirani 2021). The guarantee holds on average "
        "over clips that are exchangeable with these, and for no single clip or content.\n\n"
        + _table(("alpha", "typical half width, MOS", "guaranteed", "usual"), rows)
    )


def _limits(manifest: Mapping[str, Any]) -> str:
    gate, corpus = manifest["gate"], manifest["corpus"]
    limits = []
    if corpus["kind"] != "real":
        limits.append(
            "**Trained on synthetic rows.** It says nothing about quality, and it stays `Proposed`."
        )
    elif not gate["passed"]:
        limits.append(f"**The gate is missed.** {gate['sentence']}")
    mos, predicted = corpus["mos"], manifest["out_of_fold"]
    if predicted["min"] > mos["min"] or predicted["max"] < mos["max"]:
        limits.append(
            f"Held-out predictions span {predicted['min']:.2f} to {predicted['max']:.2f} where "
            f"ratings span {mos['min']:.2f} to {mos['max']:.2f}: the best and the worst clips are "
            "pulled towards the middle."
        )
    limits += [
        "It knows the clips that it was trained on and their like. On other content, other "
        "distortions or another rating procedure its error is unknown until `moshead validate` "
        "has measured it there; the numbers above come from the training corpora.",
        (
            "Outside its training range"
            if manifest["feature_clip"] is None
            else f"Beyond ±{manifest['feature_clip']:g} standard deviations"
        )
        + " a feature no longer changes the prediction.",
        "Features and second opinions must come from the programs, versions and settings that made "
        "the training table. One that is computed differently is another feature, and the head "
        "cannot notice.",
    ]
    filled = [name for name, share in manifest["fill"].items() if share == 1]
    if filled:
        limits.append(
            f"It learned nothing from {', '.join(f'`{name}`' for name in filled)}: "
            "these were filled in every row."
        )
    if not corpus.get("groups"):
        limits.append(
            "No group column was given: if several rows show one content, they may have fallen "
            "into different folds, and the numbers above are then too good."
        )
    return "## Limits\n\n" + "\n".join(f"- {limit}" for limit in limits)


def _lineage(manifest: Mapping[str, Any], inputs: Mapping[str, Any], version: str) -> str:
    rows = [("moshead", version)]
    if manifest["sha256"]:
        rows.append((f"`{manifest['onnx']}`", f"`{manifest['sha256']}`"))
    for name, digests in inputs.items():
        for digest in digests if isinstance(digests, list) else [digests]:
            if digest:
                rows.append((f"input `{name}`", f"`{digest}`"))
    return (
        "## Lineage\n\n"
        + _table(("", "SHA-256 or version"), rows)
        + "\n\n`provenance verify` on the manifest checks these bytes; `provenance trace` follows "
        "them back to the label files."
    )


def _all_features(manifest: Mapping[str, Any]) -> str:
    rows = [
        (
            f"`{name}`",
            f"{mean:.6g}",
            f"{std:.6g}",
            f"{manifest['imputation'][name]:.6g}",
            percent(manifest["fill"][name]) if name in manifest["fill"] else "required",
        )
        for name, mean, std in zip(
            manifest["feature_order"],
            manifest["feature_mean"],
            manifest["feature_std"],
            strict=True,
        )
    ]
    return "## Every feature\n\n" + _table(
        ("feature", "mean", "standard deviation", "imputed with", "rows without it"), rows
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(_escaped, line)) + " |" for line in lines)


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|").replace("\n", " ")


def _number(value: Any) -> str:
    if value is None:
        return "none"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4f}"


def _count(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else "not given"


def _ci(bounds: Sequence[float | None] | None) -> str:
    if not bounds or bounds[0] is None or bounds[1] is None:
        return "none"
    return f"{bounds[0]:.4f} to {bounds[1]:.4f}"


def _met(value: float | None, bound: float, sign: str) -> str:
    if value is None:
        return "**no**"
    return "yes" if (value >= bound if sign == "≥" else value <= bound) else "**no**"

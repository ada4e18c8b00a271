"""The audit of a join (``mos-label-materializer-v1``) and its verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from provenance.toolkit import summary_html

from labeljoin.facts import AUDIT_SCHEMA as AUDIT_SCHEMA
from labeljoin.joining.coverage import CoverageError
from labeljoin.keys.shares import percent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from labeljoin.engine.attaching import AttachReport
    from labeljoin.facts import Audit, LabelFacts
    from labeljoin.joining.options import JoinOptions
    from labeljoin.joining.plan import Plan


def failures_of(plan: Plan, options: JoinOptions) -> list[str]:
    """The minimums that a join misses, one sentence each."""
    coverage = plan.coverage
    failures = []
    if coverage.match_rate < options.min_match_rate:
        least = f"below the minimum of {percent(options.min_match_rate)}"
        failures.append(
            f"the labels cover {percent(coverage.match_rate)} of the clips "
            f"({coverage.matched_keys:,} of {coverage.keys:,}), {least}"
            if coverage.rows
            else f"the feature table has no rows, so the labels cover none of them, {least}"
        )
    if coverage.keyless_rate > options.max_keyless_rate:
        reasons = ", ".join(
            f"{count:,} {reason}" for reason, count in coverage.keyless.items() if count
        )
        failures.append(
            f"{percent(coverage.keyless_rate)} of the rows yield no clip key "
            f"({coverage.keyless_rows:,} of {coverage.rows:,}: {reasons}), above the maximum of "
            f"{percent(options.max_keyless_rate)}"
        )
    return failures


def audit_document(
    plan: Plan,
    options: JoinOptions,
    failures: list[str],
    report: AttachReport | None,
    features: str | None,
    out: str | None,
) -> Audit:
    """Return the audit of a join, without ``run_provenance``."""
    return {
        "schema": AUDIT_SCHEMA,
        "status": "failed" if failures else "ok",
        "failures": failures,
        "diagnosis": None,
        "feature_table": features,
        "output": out,
        "ratings": None,
        "feature_key_column": plan.key_column,
        "clip_key": plan.key.to_dict(),
        "extras": options.extras,
        **label_facts(plan),
        "key_normalize": options.key_normalize,
        "feature_key_regex": options.feature_key_regex,
        "label_key_regex": options.label_key_regex,
        "ignore_case": options.ignore_case,
        "min_match_rate": options.min_match_rate,
        "max_keyless_rate": options.max_keyless_rate,
        "input_rows": plan.coverage.rows,
        "output_rows": report.rows_out if report else None,
        **plan.coverage.to_dict(),
        "columns_added": list(plan.columns.schema.names),
        "engine": report.engine if report else None,
        "engine_reason": report.reason if report else None,
    }


def label_facts(plan: Plan) -> LabelFacts:
    """Return what was understood of the labels: per file, and over all files."""
    files = plan.index.files
    return {
        "label_key_column": _one_or_each([file.key_column for file in files]),
        "label_mos_column": _one_or_each([file.mos_column for file in files]),
        "label_scale": _one_or_each([file.scale.to_dict() for file in files]),
        "label_sources": [file.to_dict() for file in files],
        "labels_loaded": len(plan.index),
        "labels_without_mos": plan.index.without_mos,
        "labels_clipped": sum(file.clipped for file in files),
        "duplicate_labels_collapsed": plan.index.duplicates_collapsed,
    }


def _one_or_each(values: list[Any]) -> Any:
    """The value of the one label file, or a list with that of each."""
    return values[0] if len(values) == 1 else values


def audit_html(audit: Mapping[str, Any]) -> str:
    """Return the audit of a join as notebooks show it: coverage, and where the labels came from."""
    ok = audit["status"] == "ok"
    matched, total = audit["matched_feature_keys"], audit["total_feature_keys"]
    samples = [
        (f"{title}: {audit[member]['count']:,}", ("clip key",), [[k] for k in keys[:5]])
        for member, title in (
            ("unmatched_feature_keys", "Clips without a label"),
            ("stale_label_keys", "Labels of no clip"),
        )
        if (keys := audit[member]["sample"])
    ]
    return summary_html(
        "Label join",
        f"Labels cover {percent(audit['match_rate'])} of the clips ({matched:,} of {total:,})."
        if ok
        else f"{'; '.join(audit['failures'])}.",
        tone="good" if ok else "bad",
        facts=[
            ("rows", f"{audit['input_rows']:,}"),
            ("rows without a clip key", f"{audit['keyless_rows']['count']:,}"),
            ("is the key column", audit["feature_key_column"]),
        ],
        tables=[
            (
                "Labels",
                ("source", "rows", "key column", "MOS column", "scale"),
                [
                    [f["path"], f["rows"], f["key_column"], f["mos_column"], f["scale"]["scale"]]
                    for f in audit["label_sources"]
                ],
            ),
            *samples,
        ],
    )


def verdict_of(audit: Mapping[str, Any]) -> CoverageError:
    """Return the error that a failed audit ends in, with what would help."""
    diagnosis = audit["diagnosis"]
    return CoverageError(
        "; ".join([*audit["failures"], *diagnosis["findings"]]),
        where=audit["feature_table"],
        fix=diagnosis["advice"],
        document=audit,
        code="join.coverage",
    )

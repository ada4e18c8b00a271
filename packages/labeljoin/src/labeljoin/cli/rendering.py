"""What the commands show to people."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from provenance.toolkit import Facts
from rich.console import Group
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from labeljoin.keys.shares import percent

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rich.console import RenderableType

    from labeljoin.batch.job import BatchJob

_SHOWN = 5
_LEFT = 6


def render_join(audit: Mapping[str, Any], audit_path: str) -> list[RenderableType]:
    """A join that passed."""
    facts = [
        *_ratings(audit),
        ("labelled", _coverage(audit)),
        ("keys", _keys(audit)),
        *_scales(audit),
        *_remarks(audit),
        *_left(audit),
        ("added", ", ".join(audit["columns_added"])),
        ("table", f"{audit['output']} ({_engine(audit)})"),
        ("audit", audit_path),
    ]
    return [Facts(facts)]


def render_failed_join(audit: Mapping[str, Any], audit_path: str) -> list[RenderableType]:
    """A join that missed a minimum, and what would help."""
    facts = [
        *_ratings(audit),
        ("covered", _coverage(audit)),
        ("keys", _keys(audit)),
        *_scales(audit),
        *_remarks(audit),
        ("table", "not written"),
        ("audit", audit_path),
    ]
    return [Facts(facts), *_diagnosis(audit["diagnosis"])]


def render_inspection(document: Mapping[str, Any]) -> list[RenderableType]:
    """What ``inspect`` found."""
    parts: list[RenderableType] = [
        Facts(
            [
                ("would cover", _coverage(document)),
                ("keys", _keys(document)),
                *_scales(document),
                *_remarks(document),
                *_left(document),
                ("would add", ", ".join(document["columns_to_add"])),
                *(("in the way", obstacle) for obstacle in document["obstacles"]),
            ]
        ),
        _samples(document),
    ]
    if document["diagnosis"] is not None:
        parts += _diagnosis(document["diagnosis"])
    return parts


def render_ratings(audit: Mapping[str, Any], audit_path: str) -> list[RenderableType]:
    """MOS made from ratings: how many, what they are worth, and what was left out."""
    ceiling, model, raters = audit["noise_ceiling"], audit["model"], audit["raters"]
    per_clip = audit["votes_per_clip"]
    facts = [
        (
            "rated",
            f"{audit['clips']:,} clips by {raters['count']:,} raters in {audit['votes']:,} votes "
            f"({per_clip['mean']:.1f} a clip)",
        ),
        ("method", _fit(audit["method"], model)),
        ("scale", f"{audit['scale']['scale']}, by {audit['scale']['decided_by']}"),
    ]
    if ceiling is not None:
        between = (
            f" ({ceiling['low']:.3f} to {ceiling['high']:.3f})"
            if ceiling["low"] is not None
            else ""
        )
        facts.append(
            ("worth", f"perfect predictions would measure a PLCC of {ceiling['plcc']:.3f}{between}")
        )
    facts += _rating_remarks(audit)
    facts += [
        ("unusual", f"rater {row['rater']}: {row['remark']}") for row in raters["unusual"][:_SHOWN]
    ]
    if raters["unusual_count"] > _SHOWN:
        facts.append(("unusual", f"{raters['unusual_count'] - _SHOWN:,} more raters"))
    facts += [
        (name, str(audit[key]))
        for name, key in (("table", "output"), ("raters", "out_raters"), ("page", "out_html"))
        if audit[key] is not None
    ]
    return [Facts([*facts, ("audit", audit_path)])]


def _ratings(audit: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a join from ratings made of them."""
    rated = audit["ratings"]
    if rated is None:
        return []
    return [
        (
            "rated",
            f"{rated['clips']:,} clips by {rated['raters']['count']:,} raters in "
            f"{rated['votes']:,} votes; {_fit(rated['method'], rated['model'])}",
        ),
        *_rating_remarks(rated),
    ]


def _fit(method: str, model: Mapping[str, Any] | None) -> str:
    if model is None:
        return method
    met = "converged" if model["converged"] else "DID NOT CONVERGE"
    return f"{method}, {met} in {model['iterations']} iterations"


def _rating_remarks(audit: Mapping[str, Any]) -> list[tuple[str, str]]:
    left_out, model = audit["clips_left_out"], audit["model"] or {}
    nothing = {"count": 0, "sample": []}
    counts = [
        ("unrated", audit["clips_without_votes"], "clip", "without a vote"),
        ("left out", left_out["below_min_ratings"], "clip", "with fewer than --min-ratings votes"),
        ("left out", left_out["all_raters_rejected"], "clip", "rated by rejected raters only"),
        ("one vote", audit["clips_with_one_vote"], "clip", "with one vote"),
        ("off scale", audit["off_scale_votes"], "vote", "off the scale left out"),
        ("off scale", audit["estimates_off_scale"], "MOS", "off the scale, kept"),
        ("floored", model.get("floored_raters", nothing), "rater", "raised to least inconsistency"),
        ("pooled", model.get("pooled_raters", nothing), "rater", "with too few votes of their own"),
    ]
    facts = [
        (name, f"{found['count']:,} {noun}{'s' * (found['count'] != 1 and noun != 'MOS')} {what}")
        for name, found, noun, what in counts
        if found["count"]
    ]
    if audit["duplicates_collapsed"]:
        facts.append(("repeated", f"{audit['duplicates_collapsed']:,} equal votes collapsed"))
    if audit["repeated_votes"]["count"]:
        handled = audit["repeated_votes"]["handled"]
        facts.append(("repeated", f"{audit['repeated_votes']['count']:,} further votes: {handled}"))
    if audit["raters"]["rejected_count"]:
        facts.append(("rejected", f"{audit['raters']['rejected_count']:,} raters"))
    return facts


def _coverage(document: Mapping[str, Any]) -> str:
    return (
        f"{percent(document['match_rate'])} of the clips ({document['matched_feature_keys']:,} of "
        f"{document['total_feature_keys']:,}), {document['matched_rows']:,} of "
        f"{document['input_rows']:,} rows"
    )


def _keys(document: Mapping[str, Any]) -> str:
    label_columns = _listed(document["label_key_column"])
    evidence, rule = document["clip_key"].get("evidence"), document["key_normalize"]
    regexes = [
        f"{side} regex {document[name]}"
        for side, name in (("feature", "feature_key_regex"), ("label", "label_key_regex"))
        if document[name] is not None
    ]
    return ", ".join(
        [
            f"{document['feature_key_column']} = {label_columns}",
            *([f"decided by values ({evidence})"] if evidence else []),
            f"normalised by {rule}",
            *regexes,
        ]
    )


def _listed(value: str | Sequence[str]) -> str:
    return value if isinstance(value, str) else " / ".join(dict.fromkeys(value))


def _scales(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    facts = []
    for source in document["label_sources"]:
        scale = source["scale"]
        named = f"{source['path']}: " if len(document["label_sources"]) > 1 else ""
        facts.append(
            (
                "scale",
                f"{named}{scale['scale'] or 'none'}, decided by {scale['decided_by']}: "
                f"{scale['evidence']}",
            )
        )
    return facts


def _left(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return which label columns were not taken, and the flag that takes them."""
    left = dict.fromkeys(
        name for file in document["label_sources"] for name in file["columns_left"]
    )
    if not left:
        return []
    names = [name for name in left if "," not in name]
    more = f" and {len(left) - _LEFT:,} more" if len(left) > _LEFT else ""
    flag = shlex.quote(",".join([document["extras"], *names[:1]]))
    return [
        (
            "not taken",
            f"{', '.join(list(left)[:_LEFT])}{more}; --extras {flag} would take {names[0]}"
            if names
            else ", ".join(list(left)[:_LEFT]),
        )
    ]


def _remarks(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the counts that are not 0."""
    keyless = document["keyless_rows"]
    reasons = ", ".join(f"{count:,} {why}" for why, count in keyless["reasons"].items() if count)
    counts = [
        ("clipped", document["labels_clipped"], "estimate", "moved to the end of its scale"),
        ("without MOS", document["labels_without_mos"], "label row", "with a key and no MOS"),
        ("repeated", document["duplicate_labels_collapsed"], "equal label row", "collapsed"),
        ("stale", document["stale_label_keys"]["count"], "label key", "without a feature row"),
        (
            "unmatched",
            document["unmatched_feature_keys"]["count"],
            "feature key",
            "without a label",
        ),
        ("folded", document["folded_feature_keys"], "clip key", "from several distinct values"),
        ("keyless", keyless["count"], "row", f"without a clip key ({reasons})"),
    ]
    return [
        (name, f"{count:,} {noun}{'s' * (count != 1)} {what}")
        for name, count, noun, what in counts
        if count
    ]


def _engine(audit: Mapping[str, Any]) -> str:
    reason = audit.get("engine_reason")
    return f"{audit['engine']}: {reason}" if reason else str(audit["engine"])


def _samples(document: Mapping[str, Any]) -> RenderableType:
    tables = [
        _pairs("feature values", "clip keys", document["feature_keys"]),
        *(
            _pairs(f"label values ({source['path']})", "clip keys", source["keys"])
            for source in document["label_keys"]
        ),
    ]
    return Group(*tables)


def _pairs(left: str, right: str, rows: Iterable[Mapping[str, Any]]) -> RenderableType:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column(escape(left), overflow="fold")
    table.add_column(escape(right), overflow="fold")
    for row in list(rows)[:_SHOWN]:
        table.add_row(_value(row["value"]), _value(row["key"]))
    return Padding(table, (1, 0, 0, 0))


def _value(value: str | None) -> Text:
    return Text("none", style="italic dim") if value is None else Text(value)


def _diagnosis(diagnosis: Mapping[str, Any]) -> list[RenderableType]:
    parts: list[RenderableType] = []
    unmatched = diagnosis["unmatched_features"][:_SHOWN]
    stale = diagnosis["stale_labels"][:_SHOWN]
    if unmatched or stale:
        table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column("feature keys without a label", overflow="fold")
        table.add_column("label keys without a feature row", overflow="fold")
        for number in range(max(len(unmatched), len(stale))):
            table.add_row(*(_made_key(side, number) for side in (unmatched, stale)))
        parts.append(Padding(table, (1, 0, 0, 0)))
    if diagnosis["suggestions"]:
        table = Table(box=None, header_style="bold", pad_edge=False)
        table.add_column("what would raise coverage", overflow="fold")
        table.add_column("to", justify="right")
        for suggestion in diagnosis["suggestions"]:
            about = "about " if suggestion["sampled"] else ""
            table.add_row(Text(suggestion["command"]), about + percent(suggestion["match_rate"]))
        parts.append(Padding(table, (1, 0, 0, 0)))
    return [*parts, ""]


def _made_key(rows: Sequence[Mapping[str, str]], number: int) -> Text:
    """A key, and the value that it was made of where that is another text."""
    if number >= len(rows):
        return Text()
    value, key = rows[number]["value"], rows[number]["key"]
    return Text(key) if value == key else Text.assemble(key, (f"  from {value}", "dim"))


def render_batch(job: BatchJob, report: Mapping[str, Any]) -> list[RenderableType]:
    """The tables of a batch, and why some failed.

    Examples:
        >>> from labeljoin.batch import LABEL_BATCH
        >>> summary = dict.fromkeys(("tables", "ok", "failed", "skipped", *LABEL_BATCH.totals), 0)
        >>> len(render_batch(LABEL_BATCH, {"tables": [], "summary": summary}))
        1
    """
    from labeljoin.batch.report import error_sentence, shown_value

    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("table", overflow="fold")
    table.add_column("status")
    for column in job.columns:
        table.add_column(column.title.lower(), justify="left" if column.kind == "text" else "right")
    for row in report["tables"]:
        cells = [shown_value(column, row["summary"]) for column in job.columns]
        style = {"ok": "", "failed": "red", "skipped": "dim"}[row["status"]]
        table.add_row(Text(row["id"]), Text(row["status"], style=style), *map(Text, cells))
    failed = [row for row in report["tables"] if row["error"] is not None]
    return [table, *(Text(f"{row['id']}: {error_sentence(row)}") for row in failed)]

"""Compare two audits: coverage gained, correlations moved, gains confirmed or not."""

from __future__ import annotations

import os
from typing import Any, TypedDict, cast

from provenance import start_run
from provenance.toolkit import InputError, read_json

from signalaudit.documents import (
    SCHEMA,
    BlockGain,
    DiffDocument,
    FamilyChange,
    FamilyStatus,
    GainChange,
    GainMethod,
    GainSummary,
    GainVerdict,
    MovedCorrelation,
    TableDiff,
    TargetCorrelation,
)

PathLike = os.PathLike[str] | str

_RANK = {"missing": 0, "weak": 1, "covered": 2}


class ReadTable(TypedDict):
    """What a comparison needs of an audited table; audits of older versions have it too."""

    label: str
    rows: int
    target: str | None
    signal_columns: list[str]
    families: dict[str, FamilyStatus]
    target_correlations: list[TargetCorrelation]
    gain: list[BlockGain]
    gain_method: GainMethod


class ReadAudit(TypedDict):
    """What a comparison needs of an audit."""

    tables: list[ReadTable]


def diff(before: PathLike, after: PathLike) -> DiffDocument:
    r"""Compare two audits.

    Tables are matched by label. If each audit has one table, those two are compared whatever
    their labels. A correlation ``beyond_interval`` lies outside the 95 % interval that it had
    before. A block is ``confirmed`` if the interval of its added PLCC in the later audit lies
    above zero, ``lost`` if that was true before and no longer is, ``removed`` if the later
    audit lacks it, else ``not_confirmed``.

    To compare heads, scorers and predictions on the same clips, use ``moshead compare``.

    Args:
        before: The earlier audit's JSON.
        after: The later audit's JSON.

    Returns:
        A ``signal-mix-audit-diff-v1`` document.

    Raises:
        InputError: A file is unreadable or is not an audit.

    Example:
        >>> import tempfile, pathlib
        >>> from signalaudit import write_report
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> _ = (folder / "t.csv").write_text("clip_id,niqe,mos\na,3,4.1\nb,5,3.0\nc,7,1.9\n")
        >>> _ = write_report([folder / "t.csv"], folder / "a.json")
        >>> [table] = diff(folder / "a.json", folder / "a.json")["tables"]
        >>> table["comparable"], table["families_changed"]
        (True, [])
    """
    old, new = _load(before), _load(after)
    old_tables = {table["label"]: table for table in old["tables"]}
    new_tables = {table["label"]: table for table in new["tables"]}
    if len(old_tables) == len(new_tables) == 1:
        pairs = [(next(iter(old_tables.values())), next(iter(new_tables.values())))]
    else:
        pairs = [
            (old_tables[label], new_tables[label]) for label in new_tables if label in old_tables
        ]
    matched_old = {pair[0]["label"] for pair in pairs}
    matched_new = {pair[1]["label"] for pair in pairs}
    return {
        "schema": "signal-mix-audit-diff-v1",
        "before": os.fspath(before),
        "after": os.fspath(after),
        "tables": [_tables(one, other) for one, other in pairs],
        "tables_added": [label for label in new_tables if label not in matched_new],
        "tables_removed": [label for label in old_tables if label not in matched_old],
    }


def write_diff(before: PathLike, after: PathLike, out_md: PathLike | None = None) -> DiffDocument:
    r"""Compare two audits and write the comparison as Markdown to ``out_md``, if given.

    The document with its run record is written beside it as ``<out_md>.audit.json``.

    Args:
        before: The earlier audit's JSON.
        after: The later audit's JSON.
        out_md: The path of the Markdown, or None to write nothing.

    Returns:
        The document as :func:`diff` returns it, or as written.

    Raises:
        InputError: A file is unreadable or is not an audit, or the output is one of them.
        OutputError: The output cannot be written.

    Example:
        >>> import tempfile, pathlib
        >>> from signalaudit import write_report
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> _ = (folder / "t.csv").write_text("clip_id,niqe,mos\na,3,4.1\nb,5,3.0\nc,7,1.9\n")
        >>> _ = write_report([folder / "t.csv"], folder / "a.json")
        >>> document = write_diff(folder / "a.json", folder / "a.json", folder / "changes.md")
        >>> (folder / "changes.md").read_text().splitlines()[0]
        '# Signal-mix audits compared: t (target `mos`)'
    """
    document = diff(before, after)
    if out_md is None:
        return document
    from signalaudit.report.markdown import render_diff

    with start_run(
        "signalaudit diff",
        distribution="moskit-signalaudit",
        module="signalaudit.report.diff",
        inputs={"before": before, "after": after},
        args={
            "before": os.fspath(before),
            "after": os.fspath(after),
            "out_md": os.fspath(out_md),
        },
    ) as run:
        staged = run.stage("out_md", out_md, kind="report")
        staged.path.write_text(render_diff(document), encoding="utf-8")
        run.record(
            f"{os.fspath(out_md)}.audit.json", cast("dict[str, Any]", document), kind="report"
        )
    return cast("DiffDocument", run.document)


def _load(path: PathLike) -> ReadAudit:
    import msgspec

    where = os.fspath(path)
    document = read_json(path, "The audit")
    schema = document.get("schema") if isinstance(document, dict) else None
    if schema != SCHEMA:
        raise InputError(
            f"The file is not an audit (its schema is {schema!r})",
            where=where,
            fix=f"Give the JSON of signalaudit report, with the schema {SCHEMA}",
            code="audit.other-schema",
        )
    try:
        return msgspec.convert(document, ReadAudit)
    except (msgspec.ValidationError, RecursionError) as error:
        raise InputError(
            f"The audit is damaged ({error})",
            where=where,
            fix="Audit the table again",
            code="audit.damaged",
        ) from error


def _tables(old: ReadTable, new: ReadTable) -> TableDiff:
    comparable = old["target"] == new["target"] and old["target"] is not None
    families = _families(old, new)
    plcc_before, plcc_after = (each["gain_method"].get("all_plcc") for each in (old, new))
    change = None
    if comparable and plcc_before is not None and plcc_after is not None:
        change = plcc_after - plcc_before
    return {
        "label": new["label"],
        "label_before": old["label"],
        "comparable": comparable,
        "rows": {"before": old["rows"], "after": new["rows"]},
        "target": {"before": old["target"], "after": new["target"]},
        "signals": {"before": len(old["signal_columns"]), "after": len(new["signal_columns"])},
        "families_changed": families,
        "coverage_gained": [each["family"] for each in families if _step(each) > 0],
        "coverage_lost": [each["family"] for each in families if _step(each) < 0],
        "columns_added": _missing_from(old, new),
        "columns_removed": _missing_from(new, old),
        "correlations_moved": _moved(old, new) if comparable else [],
        "all_plcc": {
            "before": plcc_before,
            "after": plcc_after,
            "change": change,
        },
        "gain": _gains(old, new) if comparable else [],
    }


def _families(old: ReadTable, new: ReadTable) -> list[FamilyChange]:
    changes: list[FamilyChange] = []
    for key in {**old["families"], **new["families"]}:
        was, now = old["families"].get(key), new["families"].get(key)
        before, after = was and was["status"], now and now["status"]
        if before != after:
            changes.append({"family": key, "before": before, "after": after})
    return changes


def _step(change: FamilyChange) -> int:
    return _RANK.get(change["after"] or "", -1) - _RANK.get(change["before"] or "", -1)


def _missing_from(one: ReadTable, other: ReadTable) -> list[str]:
    known = set(one["signal_columns"])
    return [name for name in other["signal_columns"] if name not in known]


def _moved(old: ReadTable, new: ReadTable) -> list[MovedCorrelation]:
    before = {row["column"]: row for row in old["target_correlations"]}
    moved: list[MovedCorrelation] = []
    for row in new["target_correlations"]:
        was = before.get(row["column"])
        if was is None or was["spearman"] is None or row["spearman"] is None:
            continue
        low, high = was["spearman_ci"]
        moved.append(
            {
                "column": row["column"],
                "spearman": {"before": was["spearman"], "after": row["spearman"]},
                "pearson": {"before": was["pearson"], "after": row["pearson"]},
                "change": row["spearman"] - was["spearman"],
                "beyond_interval": low is not None
                and high is not None
                and not low <= row["spearman"] <= high,
            }
        )
    return sorted(moved, key=lambda each: -abs(each["change"]))


def _gains(old: ReadTable, new: ReadTable) -> list[GainChange]:
    before = {(row["kind"], row["block"]): row for row in old["gain"]}
    after = {(row["kind"], row["block"]): row for row in new["gain"]}
    result: list[GainChange] = []
    for key in [*after, *(key for key in before if key not in after)]:
        was, now = before.get(key), after.get(key)
        result.append(
            {
                "block": key[1],
                "kind": key[0],
                "before": _gain_summary(was),
                "after": _gain_summary(now),
                "verdict": _verdict(was, now),
            }
        )
    return result


def _gain_summary(row: BlockGain | None) -> GainSummary | None:
    if row is None:
        return None
    return {
        "added_plcc": row["added_plcc"],
        "ci": row["ci"],
        "alone_plcc": row["alone_plcc"],
        "confirmed": row["confirmed"],
    }


def _verdict(was: BlockGain | None, now: BlockGain | None) -> GainVerdict:
    if now is None:
        return "removed"
    if now["confirmed"]:
        return "confirmed"
    return "lost" if was is not None and was["confirmed"] else "not_confirmed"

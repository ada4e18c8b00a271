"""Two audits side by side: coverage gained, correlations moved, gains confirmed or not."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from provenance import start_run
from provenance.toolkit import InputError

from signalaudit.report.audit import SCHEMA, PathLike

DIFF_SCHEMA = "signal-mix-audit-diff-v1"

Verdict = Literal["confirmed", "not_confirmed", "lost", "removed"]

_RANK = {"missing": 0, "weak": 1, "covered": 2}


def diff(before: PathLike, after: PathLike) -> dict[str, Any]:
    """Compare two audits.

    Tables are matched by label; where each audit has one table, those two are compared whatever
    their labels. A correlation ``beyond_interval`` lies outside the 95 % interval that it had
    before. A block is ``confirmed`` where the interval of its added PLCC in the later audit lies
    above zero, ``lost`` where that was so before and is no longer, ``removed`` where the later
    audit lacks it, else ``not_confirmed``.

    Args:
        before: The earlier audit's JSON.
        after: The later audit's JSON.

    Returns:
        A ``signal-mix-audit-diff-v1`` document.

    Raises:
        InputError: A file is unreadable or is no audit.
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
        "schema": DIFF_SCHEMA,
        "before": os.fspath(before),
        "after": os.fspath(after),
        "tables": [_tables(one, other) for one, other in pairs],
        "tables_added": [label for label in new_tables if label not in matched_new],
        "tables_removed": [label for label in old_tables if label not in matched_old],
    }


def write_diff(before: PathLike, after: PathLike, out_md: PathLike | None = None) -> dict[str, Any]:
    """Compare two audits, and write the comparison as Markdown where ``out_md`` is given.

    The document with its run record is written beside it as ``<out_md>.audit.json``.

    Args:
        before: The earlier audit's JSON.
        after: The later audit's JSON.
        out_md: Where the Markdown goes, if anywhere.

    Returns:
        The document as :func:`diff` gives it, or as written.

    Raises:
        InputError: A file is unreadable or is no audit, or the output is one of them.
        OutputError: The output cannot be written.
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
        run.record(f"{os.fspath(out_md)}.audit.json", document, kind="report")
    return run.document


def _load(path: PathLike) -> dict[str, Any]:
    import orjson

    where = os.fspath(path)
    try:
        document = orjson.loads(Path(path).read_bytes())
    except OSError as error:
        raise InputError(
            f"The audit cannot be read ({error.strerror})", where=where, fix="Check the path"
        ) from error
    except orjson.JSONDecodeError as error:
        raise InputError(
            f"This is not JSON ({error})", where=where, fix="Give the JSON of signalaudit report"
        ) from error
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        said = document.get("schema") if isinstance(document, dict) else None
        raise InputError(
            f"This is no audit (its schema is {said!r})",
            where=where,
            fix=f"Give the JSON of signalaudit report, whose schema is {SCHEMA}",
        )
    needed = ("label", "families", "gain", "gain_method", "target_correlations", "signal_columns")
    tables = document.get("tables")
    if not isinstance(tables, list) or not all(
        isinstance(table, dict) and all(member in table for member in needed) for table in tables
    ):
        raise InputError(
            "This audit lacks members that every audit has", where=where, fix="Audit the table anew"
        )
    return document


def _tables(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    comparable = old["target"] == new["target"] and old["target"] is not None
    families = [
        {"family": key, "before": was, "after": now}
        for key in {**old["families"], **new["families"]}
        if (was := old["families"].get(key, {}).get("status"))
        != (now := new["families"].get(key, {}).get("status"))
    ]
    plcc = [each["gain_method"].get("all_plcc") for each in (old, new)]
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
            "before": plcc[0],
            "after": plcc[1],
            "change": plcc[1] - plcc[0] if comparable and None not in plcc else None,
        },
        "gain": _gains(old, new) if comparable else [],
    }


def _step(change: Mapping[str, Any]) -> int:
    return _RANK.get(change["after"], -1) - _RANK.get(change["before"], -1)


def _missing_from(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    known = set(one["signal_columns"])
    return [name for name in other["signal_columns"] if name not in known]


def _moved(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[dict[str, Any]]:
    before = {row["column"]: row for row in old["target_correlations"]}
    moved = []
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
                "beyond_interval": low is not None and not low <= row["spearman"] <= high,
            }
        )
    return sorted(moved, key=lambda each: -abs(each["change"]))


def _gains(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[dict[str, Any]]:
    before = {(row["kind"], row["block"]): row for row in old["gain"]}
    after = {(row["kind"], row["block"]): row for row in new["gain"]}
    result = []
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


def _gain_summary(row: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return {member: row[member] for member in ("added_plcc", "ci", "alone_plcc", "confirmed")}


def _verdict(was: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> Verdict:
    if now is None:
        return "removed"
    if now["confirmed"]:
        return "confirmed"
    return "lost" if was is not None and was["confirmed"] else "not_confirmed"

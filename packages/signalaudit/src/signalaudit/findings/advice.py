"""What to do next, and why: steps that stated rules derive from a table's audit.

Each rule is one function and one sentence in :data:`RULES`, which the reports print. A step
carries the numbers that made its rule fire; nothing is advised that the audit did not see.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from signalaudit.findings.redundancy import spare_columns
from signalaudit.findings.voices import voice_name, voices, weak_voices
from signalaudit.report.markdown import percent

if TYPE_CHECKING:
    from signalaudit.tables.families import Family, FamilySet

Kind = Literal["fix", "add", "keep", "thin", "look", "later"]

ENOUGH_VOICES = 3
"""Independent scorers from which one more is no longer the first advice."""

NEAR_CEILING = 0.01
MOST = 0.8
"""A block with more than this share of all columns is nearly everything, and no advice."""

_MANY = 3

RULES: dict[str, str] = {
    "no-target": "A table without a target can only be described: labels come first.",
    "copied-target": "A column that correlates with the target at 0.999 or more is taken for a "
    "copy of it, and has to go before anything is trained.",
    "self-reference": "Three or more full-reference columns that are constant mean that clips were "
    "compared with themselves.",
    "weak-family": "A family whose columns are all constant, flat or mostly empty is extracted "
    "again; families that only describe clips may be constant.",
    "backwards": "A score whose known direction contradicts its correlation with the target is "
    "checked first.",
    "noise-ceiling": "Where all signals together come within 0.01 of the PLCC that label noise "
    "allows, more ratings are worth more than more columns.",
    "first-opinion": "A table with people's ratings and no second opinion gets one first: it is "
    "the only kind of column that was itself trained on people.",
    "another-opinion": "Where the second opinions' gain is confirmed (its interval lies above "
    "zero) and fewer than three independent scorers stand behind it, another independent one comes "
    "next. Scorers count as one where one's name continues another's, or where they rank alike.",
    "saturated": "Where a full-reference metric piles up at an end while the target still varies, "
    "a metric that still separates those clips comes next.",
    "missing-family": "Missing families follow in the families' own order (priority in "
    "families.toml). What they would add is unknown until they are there.",
    "not-here": "Families that need what the table shows no trace of (a reference, HDR material) "
    "wait.",
    "carries": "A block is kept whose added PLCC has an interval above zero.",
    "redundant": "Of each redundant cluster one column can stand for the rest: the one closest to "
    "the target.",
    "unknown-room": "How much room is left is known only where the table has mos_std_dev and "
    "mos_n_ratings.",
    "watch": "The clips that all signals together rank most wrongly show what nothing here sees.",
}


def advise(table: Mapping[str, Any], families: FamilySet) -> list[dict[str, Any]]:
    """The steps for one table, the most important first.

    Args:
        table: A table of the audit JSON.
        families: The families.

    Returns:
        ``{kind, rule, title, why, families, columns}`` in the order fix, add, keep, thin, look,
        later; families to extract again come after those to add, since they block nothing.
    """
    steps = [
        *_fixes(table, families),
        *_opinions(table, families),
        *_new_families(table, families),
        *_keeps(table, families),
        *_thins(table),
        *_looks(table),
    ]
    order: list[Kind] = ["fix", "add", "keep", "thin", "look", "later"]
    return sorted(
        steps, key=lambda step: order.index(step["kind"]) + 1.5 * (step["rule"] == "weak-family")
    )


def _step(
    kind: Kind,
    rule: str,
    title: str,
    why: str,
    *,
    families: Sequence[str] = (),
    columns: Sequence[str] = (),
) -> dict[str, Any]:
    return {
        "kind": kind,
        "rule": rule,
        "title": title,
        "why": why,
        "families": list(families),
        "columns": list(columns),
    }


def _fixes(table: Mapping[str, Any], families: FamilySet) -> Iterable[dict[str, Any]]:
    target = table["target"]
    if target is None:
        yield _step(
            "fix",
            "no-target",
            "Join labels to this table",
            "It has no target column, so nothing here could be compared with what people or VMAF "
            "say. labeljoin adds MOS by clip key; --target names a column that is already there.",
        )
    if table["leak_suspects"]:
        yield _step(
            "fix",
            "copied-target",
            f"Take {_listed(table['leak_suspects'])} out of the features",
            f"It follows {target} almost exactly; a model would learn nothing else from it.",
            columns=table["leak_suspects"],
        )
    constant = [
        name
        for key, status in table["families"].items()
        if families[key].needs == "reference"
        for name in status["matched_columns"]
        if table["column_stats"][name]["health"] == "constant"
    ]
    constant = list(dict.fromkeys(constant))
    if len(constant) >= _MANY:
        yield _step(
            "fix",
            "self-reference",
            "Score the clips against a real reference, or drop the full-reference columns",
            f"{_listed(constant)} hold one value in every row, as they do when each clip is "
            "compared with itself.",
            columns=constant,
        )
    weak = [key for key, status in table["families"].items() if status["status"] == "weak"]
    for key in weak:
        matched = table["families"][key]["matched_columns"]
        if set(matched) <= set(constant) and len(constant) >= _MANY:
            continue
        stats = [table["column_stats"][name] for name in matched]
        if families[key].context and all(each["health"] in ("constant", "flat") for each in stats):
            continue
        kinds = sorted({each["health"].replace("_", " ") for each in stats})
        yield _step(
            "fix",
            "weak-family",
            f"Extract again: {families[key].name}",
            f"{_listed(matched)} {'is' if len(matched) == 1 else 'are'} there and "
            f"{' or '.join(kinds)}, so the question stays open: {families[key].question}",
            families=[key],
            columns=matched,
        )
    backwards = [
        name
        for name, decided in table["directions"].items()
        if "correlation" in decided["disagrees"] and name != target
    ]
    if backwards:
        yield _step(
            "fix",
            "backwards",
            f"Check which way round {_listed(backwards)} {_verb(backwards, 'is', 'are')} stored",
            "The known direction says one thing and the correlation with the target another.",
            columns=backwards,
        )


def _opinions(table: Mapping[str, Any], families: FamilySet) -> Iterable[dict[str, Any]]:
    method, target = table["gain_method"], table["target"]
    ceiling = table["label_noise_ceiling"]
    reached = method.get("all_plcc")
    if ceiling and reached is not None and reached >= ceiling["plcc"] - NEAR_CEILING:
        yield _step(
            "add",
            "noise-ceiling",
            "Collect more ratings per clip",
            f"All signals together reach PLCC {reached:.3f}; the scatter of the "
            f"ratings allows {ceiling['plcc']:.3f} at most. New columns cannot show here.",
        )
    if target is None or "no_reference_ugc" not in table["families"]:
        return
    family = families["no_reference_ugc"]
    fresh = _fresh_candidates(family, table)
    if not table["scorers"]:
        reach = (
            f" Together the {method['columns']} healthy signals predict {target} with a "
            f"cross-validated PLCC of {reached:.2f}, so there is room."
            if reached is not None
            else ""
        )
        yield _step(
            "add",
            "first-opinion",
            f"Join a second opinion: {_either(fresh)}",
            "No column is a scorer's verdict on the clip as a viewer sees it." + reach,
            families=["no_reference_ugc"],
        )
        return
    block = _block(table, "second_opinions")
    groups = voices(table)
    if block and block["confirmed"] and len(groups) < ENOUGH_VOICES:
        names = " and ".join(voice_name(group) for group in groups)
        yield _step(
            "add",
            "another-opinion",
            f"Join one more strong, independent second opinion: {_either(fresh)}",
            f"Second opinions are what pays in this table: {_lift(block)}. Yet "
            f"{len(table['scorers'])} score columns are only {len(groups)} independent "
            f"{'voice' if len(groups) == 1 else 'voices'}, {names}: columns of one voice repeat "
            f"each other, and a scorer built another way does not.{weak_voices(table, groups)}",
            families=["no_reference_ugc"],
        )


def _new_families(table: Mapping[str, Any], families: FamilySet) -> Iterable[dict[str, Any]]:
    status = {key: each["status"] for key, each in table["families"].items()}
    saturated = sorted(
        (
            each
            for each in table["saturation"]
            if each["saturated"] and each["column"] not in table["scorers"].values()
        ),
        key=lambda each: -each["share"],
    )
    done: set[str] = set()
    if saturated:
        worst = saturated[0]
        wanted = [
            key
            for key in ("texture_deep_perceptual", "no_reference_ugc")
            if status.get(key) == "missing"
        ]
        if wanted:
            done.update(wanted)
            first = families[wanted[0]]
            yield _step(
                "add",
                "saturated",
                f"Cover {_lower(first.name)}: {_either(first.candidates)}",
                f"{worst['column']} puts {percent(worst['share'])} of the rows at its "
                f"{worst['end']}, where {table['target']} still varies by "
                f"{percent(worst['spread_ratio'])} of its overall spread: "
                "it cannot tell those clips apart.",
                families=wanted,
                columns=[each["column"] for each in saturated],
            )
    has_reference = any(
        families[key].needs == "reference" and each != "missing" for key, each in status.items()
    )
    is_hdr = _shows_hdr(table)
    missing = [families[key] for key, each in status.items() if each == "missing"]
    missing = [family for family in missing if family.key not in done | {"no_reference_ugc"}]
    if table["target"] is None and status.get("no_reference_ugc") == "missing":
        missing.append(families["no_reference_ugc"])
    waiting = []
    for family in sorted(missing, key=lambda family: family.priority):
        if (family.needs == "reference" and not has_reference) or (
            family.needs == "hdr" and not is_hdr
        ):
            waiting.append(family)
            continue
        yield _step(
            "add",
            "missing-family",
            f"Cover {_lower(family.name)}: {_either(family.candidates)}",
            f"Open: {family.question} No column here is named for it. {family.recommendation}",
            families=[family.key],
        )
    for need, reason in (
        (
            "reference",
            "They compare a clip with its pristine reference, and no column here does. "
            "They matter as soon as the clips have references.",
        ),
        (
            "hdr",
            "Nothing in this table speaks of HDR material. "
            "It matters as soon as the clips are HDR.",
        ),
    ):
        some = [family for family in waiting if family.needs == need]
        if some:
            yield _step(
                "later",
                "not-here",
                f"Leave for now: {_listed([family.name for family in some])}",
                reason,
                families=[family.key for family in some],
            )


def _keeps(table: Mapping[str, Any], families: FamilySet) -> Iterable[dict[str, Any]]:
    known = {family.key: family.name for family in families.families}
    confirmed = [
        block
        for block in table["gain"]
        if block["confirmed"]
        and block["rest_plcc"] is not None
        and block["kind"] in ("family", "feature_set", "second_opinions")
        and len(block["columns"]) <= MOST * table["gain_method"]["columns"]
    ]
    for block in confirmed[:_MANY]:
        name = known.get(block["block"], block["block"].replace("_", " "))
        yield _step(
            "keep",
            "carries",
            f"Keep {name} ({len(block['columns'])} column{_s(block['columns'])})",
            f"On top of everything else {_lift(block)}.",
            columns=block["columns"],
        )


def _thins(table: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    groups = table["clusters"]
    spare = spare_columns(groups)
    if not spare:
        return
    largest = groups[0]
    block = next((each for each in table["gain"] if each["kind"] == "redundant"), None)
    measured = "What that costs could not be measured."
    if block and block["rest_plcc"] is not None:
        low, high = block["ci"]
        ends = f" (95 % interval {low:+.3f} to {high:+.3f})" if low is not None else ""
        measured = (
            f"Without them the cross-validated PLCC is {block['rest_plcc']:.3f} and with them "
            f"{block['all_plcc']:.3f}{ends}."
        )
    yield _step(
        "thin",
        "redundant",
        f"Consider dropping {len(spare)} redundant column{_s(spare)}",
        f"{len(groups)} group{_s(groups)} of columns {_verb(groups, 'says', 'say')} the same; the "
        f"largest has {len(largest['columns'])}, for which {largest['representative']} can stand. "
        f"{measured}",
        columns=spare,
    )


def _looks(table: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    if (
        table["label_noise_ceiling"] is None
        and table["target"] in ("mos", "mos_raw_0_100")
        and table["gain_method"].get("all_plcc") is not None
    ):
        yield _step(
            "look",
            "unknown-room",
            "Join mos_std_dev and mos_n_ratings, if the label file has them",
            f"All signals together reach a PLCC of {table['gain_method']['all_plcc']:.2f}. Without "
            "them it cannot be told how much of the rest is noise in the ratings.",
        )
    for comparison in table["disagreement"]:
        if comparison["kind"] == "table_people" and comparison["clips"]:
            clips = [clip["key"] for clip in comparison["clips"]]
            yield _step(
                "look",
                "watch",
                f"Watch {_listed(clips[:3])} and the other clips of that list",
                "They are where all signals together and the ratings are furthest apart. What they "
                "share (motion, noise, banding, faces) names the family to add after the first.",
            )


def _block(table: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    return next(
        (each for each in table["gain"] if each["block"] == name and each["kind"] == name), None
    )


def _lift(block: Mapping[str, Any]) -> str:
    low, high = block["ci"]
    ends = f" (95 % interval of the gain {low:+.3f} to {high:+.3f})" if low is not None else ""
    if block["rest_plcc"] is None:
        return f"they are all there is, and reach a cross-validated PLCC of {block['all_plcc']:.2f}"
    return (
        f"they lift the cross-validated PLCC from {block['rest_plcc']:.2f} to "
        f"{block['all_plcc']:.2f}{ends}"
        if block["added_plcc"] >= 0.01
        else f"they add {block['added_plcc']:.3f} to the cross-validated PLCC of "
        f"{block['rest_plcc']:.3f}{ends}"
    )


def _fresh_candidates(family: Family, table: Mapping[str, Any]) -> list[str]:
    """The family's candidates that no column of the table already is."""
    present = [_plain(name) for name in (*table["scorers"], *table["signal_columns"])]
    return [
        name for name in family.candidates if not any(_plain(name) in each for each in present)
    ] or list(family.candidates)


def _shows_hdr(table: Mapping[str, Any]) -> bool:
    if table["families"].get("hdr_display_panel", {}).get("healthy_columns"):
        return True
    depths = [
        stats.get("max") or 0.0
        for name, stats in table["column_stats"].items()
        if re.search(r"bit_?depth", name.lower()) and stats["kind"] == "number"
    ]
    named = any(re.search(r"(^|_)(hdr|pq|hlg|maxcll)", n.lower()) for n in table["signal_columns"])
    return named or any(depth >= 10 for depth in depths)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _listed(names: Sequence[str], limit: int = 4) -> str:
    shown = list(names[:limit])
    if len(names) > limit:
        return f"{', '.join(shown)} and {len(names) - limit} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def _either(names: Sequence[str], limit: int = 3) -> str:
    shown = list(names[:limit])
    return " or ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def _lower(name: str) -> str:
    """``name`` within a sentence: its first letter small, unless the word is an abbreviation."""
    return name if name[1:2].isupper() else name[0].lower() + name[1:]


def _s(many: Sequence[Any]) -> str:
    return "" if len(many) == 1 else "s"


def _verb(many: Sequence[Any], one: str, several: str) -> str:
    return one if len(many) == 1 else several

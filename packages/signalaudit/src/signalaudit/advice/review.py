"""What to keep, what to drop and what to look at in a table as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from signalaudit.advice.rules import step
from signalaudit.advice.wording import listed, plural, verb
from signalaudit.findings.redundancy import spare_columns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from signalaudit.documents import BlockGain, Step, TableDocument
    from signalaudit.tables.families import FamilySet

NEARLY_ALL = 0.8
"""A block with more than this share of all columns is nearly the whole table: no advice."""

BLOCKS_SHOWN = 3


def blocks_to_keep(table: TableDocument, families: FamilySet) -> Iterator[Step]:
    """Yield the blocks whose gain is confirmed, the largest gain first."""
    known = {family.key: family.name for family in families.families}
    confirmed = [
        block
        for block in table["gain"]
        if block["confirmed"]
        and block["rest_plcc"] is not None
        and block["kind"] in ("family", "feature_set", "second_opinions")
        and len(block["columns"]) <= NEARLY_ALL * table["gain_method"]["columns"]
    ]
    for block in confirmed[:BLOCKS_SHOWN]:
        name = known.get(block["block"], block["block"].replace("_", " "))
        yield step(
            "keep",
            "carries",
            f"Keep {name} ({len(block['columns'])} column{plural(block['columns'])})",
            f"Added to all other columns, {lift(block)}.",
            columns=block["columns"],
        )


def columns_to_drop(table: TableDocument) -> Iterator[Step]:
    """Yield the redundant columns, with what dropping them costs."""
    clusters = table["clusters"]
    spare = spare_columns(clusters)
    if not spare:
        return
    largest = clusters[0]
    block = next((each for each in table["gain"] if each["kind"] == "redundant"), None)
    measured = "The cost of dropping them could not be measured."
    if block and block["rest_plcc"] is not None:
        measured = (
            f"Without them the cross-validated PLCC is {block['rest_plcc']:.3f}, with them "
            f"{block['all_plcc']:.3f}{_ends(block, '95 % interval')}."
        )
    yield step(
        "thin",
        "redundant",
        f"Consider dropping {len(spare)} redundant column{plural(spare)}",
        f"{len(clusters)} group{plural(clusters)} of columns "
        f"{verb(clusters, 'repeats', 'repeat')} the same information. The largest has "
        f"{len(largest['columns'])} columns, which {largest['representative']} can represent. "
        f"{measured}",
        columns=spare,
    )


def things_to_look_at(table: TableDocument) -> Iterator[Step]:
    """Yield what a person should find out: label noise, and the clips ranked most wrongly."""
    reached = table["gain_method"].get("all_plcc")
    if (
        table["label_noise_ceiling"] is None
        and table["target"] in ("mos", "mos_raw_0_100")
        and reached is not None
    ):
        yield step(
            "look",
            "unknown-room",
            "Join mos_std_dev and mos_n_ratings, if the label file has them",
            f"All signals together reach a PLCC of {reached:.2f}. Without these columns you "
            "cannot tell how much of the rest is noise in the ratings.",
        )
    for comparison in table["disagreement"]:
        if comparison["kind"] == "table_people" and comparison["clips"]:
            clips = [clip["key"] for clip in comparison["clips"]]
            yield step(
                "look",
                "watch",
                f"Watch {listed(clips[:3])} and the other clips of that list",
                "On these clips the prediction from all signals is furthest from the ratings. "
                "What they share (motion, noise, banding, faces) shows which family to add next.",
            )


def lift(block: BlockGain) -> str:
    """Return what a block adds to the rest, as the end of a sentence."""
    if block["rest_plcc"] is None:
        return (
            "these are the only columns, with a cross-validated PLCC of "
            f"{block['all_plcc'] or 0.0:.2f}"
        )
    ends = _ends(block, "95 % interval of the gain")
    added = block["added_plcc"] or 0.0
    if added >= 0.01:
        return (
            f"they raise the cross-validated PLCC from {block['rest_plcc']:.2f} to "
            f"{block['all_plcc']:.2f}{ends}"
        )
    return f"they add {added:.3f} to the cross-validated PLCC of {block['rest_plcc']:.3f}{ends}"


def _ends(block: BlockGain, name: str) -> str:
    low, high = block["ci"]
    return "" if low is None or high is None else f" ({name} {low:+.3f} to {high:+.3f})"

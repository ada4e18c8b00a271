"""Second opinions: which columns are scores, and what their scorers were trained on.

A scorer that was trained on the judged corpus is a leak that no fold can see: it knows the held-out
clips too. The published training corpora of scorers stand in ``secondopinion``'s ``scorers.toml``,
and ``secondopinion join`` writes them into the field metadata of its parquet columns, and into its
audit beside tables of other formats. Here they are read back, corrected by ``--trained-on``, and
compared with the name of the judged corpus.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from labeljoin.labels import (
    TRAINED_ON_METADATA,
    Contamination,
    TrainedOn,
    judge_contamination,
    trained_on_from,
    trained_on_in,
)
from provenance.toolkit import InputError, read_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

SCORER_METADATA = b"moskit.scorer"
KIND_METADATA = b"moskit.kind"
AUDIT_SCHEMA = "second-opinion-materializer-v1"

SCORE_COLUMN = re.compile(r"^second_opinion_(?P<slug>[a-z0-9_]+)_score$")

UNKNOWN = TrainedOn(None)


def score_columns(schema: pa.Schema) -> list[str]:
    """Names of the columns that hold scores of second opinions, by metadata or by name.

    Args:
        schema: Schema of a table.
    """
    return [
        field.name
        for field in schema
        if SCORE_COLUMN.match(field.name) or (field.metadata or {}).get(KIND_METADATA) == b"score"
    ]


@dataclass(frozen=True)
class Scorers:
    """Score columns of some tables, and what their scorers were trained on.

    Attributes:
        slug_of: The scorer of each score column.
        trained_on: What is known, by scorer.
    """

    slug_of: Mapping[str, str]
    trained_on: Mapping[str, TrainedOn]

    def of_column(self, column: str, judged: Sequence[str]) -> Contamination | None:
        """Judge the scorer behind a column; None where the column is no score."""
        slug = self.slug_of.get(column)
        if slug is None:
            return None
        return judge_contamination(slug, self.trained_on.get(slug, UNKNOWN), judged)


def scorers_of(
    tables: Sequence[tuple[Path | None, pa.Schema]], corrections: Mapping[str, TrainedOn]
) -> Scorers:
    """Find the score columns of tables, and what their scorers were trained on.

    Args:
        tables: Path of each table, None in memory, and its schema.
        corrections: From :func:`parse_trained_on`; they win.
    """
    slug_of: dict[str, str] = {}
    known: dict[str, TrainedOn] = {}
    for path, schema in tables:
        beside = _from_audit(path) if path is not None else {}
        for field in schema:
            metadata = field.metadata or {}
            match = SCORE_COLUMN.match(field.name)
            if metadata.get(KIND_METADATA) == b"score" and SCORER_METADATA in metadata:
                slug = metadata[SCORER_METADATA].decode()
            elif field.name in beside:
                slug = beside[field.name][0]
            elif match:
                slug = match["slug"]
            else:
                continue
            slug_of[field.name] = slug
            own = trained_on_in(metadata.get(TRAINED_ON_METADATA.encode()))
            if own is None and field.name in beside:
                own = beside[field.name][1]
            if own is not None:
                known[slug] = own
    return Scorers(slug_of, {**known, **corrections})


def _from_audit(path: Path) -> dict[str, tuple[str, TrainedOn | None]]:
    """Slug and training corpora of the score columns that the audit beside a table lists."""
    audit = path.with_name(f"{path.name}.audit.json")
    try:
        document = read_json(audit, "The audit")
    except InputError:
        return {}
    if not isinstance(document, dict) or document.get("schema") != AUDIT_SCHEMA:
        return {}
    found = {}
    scorers = document.get("scorers")
    for entry in scorers if isinstance(scorers, list) else []:
        if not isinstance(entry, dict):
            continue
        columns, slug = entry.get("columns"), entry.get("slug")
        if isinstance(columns, dict) and isinstance(columns.get("score"), str) and slug:
            found[columns["score"]] = (str(slug), trained_on_from(entry.get("trained_on")))
    return found

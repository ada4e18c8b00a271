"""Find score columns whose scorers were trained on the corpus of the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import secondopinion
from labeljoin.labels import (
    TRAINED_ON_METADATA,
    TrainedOn,
    judge_contamination,
    trained_on_in,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa
    from labeljoin import Table

    from signalaudit.documents import ContaminationDocument

CORPUS_COLUMN = "corpus"


def contamination(
    table: Table,
    schema: pa.Schema,
    trained_on: Mapping[str, TrainedOn] | None = None,
    corpus: str | None = None,
) -> dict[str, ContaminationDocument]:
    """Judge every score column of a table.

    What a scorer was trained on comes from ``trained_on``, else from the column's metadata, else
    from what is published (:func:`secondopinion.trained_on`).

    Args:
        table: The table.
        schema: Its schema.
        trained_on: Corrections by scorer.
        corpus: Name of the corpus; the column ``corpus`` by default.

    Returns:
        By score column ``{scorer, status, sentence}``.
    """
    judged = [corpus] if corpus else _corpora(table)
    found: dict[str, ContaminationDocument] = {}
    for column in secondopinion.score_columns(schema):
        if column.kind != "score":
            continue
        metadata = schema.field(column.column).metadata or {}
        known = (
            (trained_on or {}).get(column.scorer)
            or trained_on_in(metadata.get(TRAINED_ON_METADATA.encode()))
            or secondopinion.trained_on(column.scorer)
        )
        verdict = judge_contamination(column.scorer, known, judged)
        found[column.column] = {
            "scorer": column.scorer,
            "status": verdict.status,
            "sentence": verdict.sentence,
        }
    return found


def _corpora(table: Table) -> list[str]:
    if CORPUS_COLUMN not in table.column_names:
        return []
    names = table.read([CORPUS_COLUMN]).column(0).unique().to_pylist()
    return sorted(str(name) for name in names if name)

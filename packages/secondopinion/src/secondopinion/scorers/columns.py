"""The columns that a second opinion adds, and how to find them in a table.

Each scorer adds five columns, ``<prefix>_<slug>_<kind>``. Only this module defines their names,
types and field metadata; later steps call :func:`score_columns` and do not parse names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast, get_args

from labeljoin.labels import TRAINED_ON_METADATA

from secondopinion.scorers.facts import DIRECTIONS, Direction, ScoreFacts, direction_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa
    from labeljoin.labels import TrainedOn

DEFAULT_PREFIX = "second_opinion"

Kind = Literal["score", "status", "runtime_ms", "frames", "source"]
KINDS: tuple[Kind, ...] = get_args(Kind)

SCORER_METADATA = b"moskit.scorer"
KIND_METADATA = b"moskit.kind"
DIRECTION_METADATA = b"moskit.direction"
RANGE_METADATA = b"moskit.range"


@dataclass(frozen=True)
class ScoreColumn:
    """One column of a table that belongs to a second opinion.

    Attributes:
        column: The column's name in the table.
        scorer: The slug of its scorer.
        kind: The content of the column: ``score`` (float64, null if missing), ``status``
            (``ok``, ``missing``, ``bad``), ``runtime_ms`` (float64, milliseconds), ``frames``
            (int64, frames behind the score) or ``source`` (the score file).
        direction: ``higher`` or ``lower`` is better; None if unknown, and for columns of other
            kinds than ``score``.
        range: Lowest and highest score of the scale; None if unbounded or unknown, and for
            columns of other kinds than ``score``.
    """

    column: str
    scorer: str
    kind: Kind
    direction: Direction | None
    range: tuple[float, float] | None


def score_columns(schema_or_names: pa.Schema | Iterable[str]) -> list[ScoreColumn]:
    """Return the second-opinion columns of a table, in the table's order.

    Field metadata, which a join writes to parquet, comes before names: it covers columns with
    another prefix and directions from ``--direction``. Without metadata a column counts if its
    name is ``second_opinion_<slug>_<kind>``, and the registry states the direction.

    Args:
        schema_or_names: A table's Arrow schema, or only its column names.

    Example:
        >>> [column] = score_columns(["clip_id", "second_opinion_niqe_score"])
        >>> column.scorer, column.direction
        ('niqe', 'lower')
    """
    fields = [
        (field, None) if isinstance(field, str) else (field.name, field.metadata)
        for field in schema_or_names
    ]
    found = []
    for name, metadata in fields:
        column = _from_metadata(name, metadata) or _from_name(name)
        if column is not None:
            found.append(column)
    return found


def column_names(prefix: str, slug: str) -> dict[Kind, str]:
    """Return the names of a scorer's five columns, by kind."""
    return {kind: f"{prefix}_{slug}_{kind}" for kind in KINDS}


def score_fields(
    prefix: str, slug: str, facts: ScoreFacts | None, training: TrainedOn | None = None
) -> list[pa.Field]:
    """Return the Arrow fields of a scorer's five columns, with their metadata."""
    import pyarrow as pa

    types = {
        "score": pa.float64(),
        "status": pa.string(),
        "runtime_ms": pa.float64(),
        "frames": pa.int64(),
        "source": pa.string(),
    }
    fields = []
    for kind, name in column_names(prefix, slug).items():
        metadata = {SCORER_METADATA: slug.encode(), KIND_METADATA: kind.encode()}
        if kind == "score" and training is not None:
            metadata[TRAINED_ON_METADATA.encode()] = training.metadata()
        if kind == "score" and facts is not None:
            metadata[DIRECTION_METADATA] = facts.direction.encode()
            if facts.low is not None and facts.high is not None:
                metadata[RANGE_METADATA] = f"{facts.low:.15g},{facts.high:.15g}".encode()
        fields.append(pa.field(name, types[kind], nullable=True, metadata=metadata))
    return fields


def _from_metadata(name: str, metadata: dict[bytes, bytes] | None) -> ScoreColumn | None:
    if not metadata or SCORER_METADATA not in metadata or KIND_METADATA not in metadata:
        return None
    kind = metadata[KIND_METADATA].decode()
    scorer = metadata[SCORER_METADATA].decode()
    if kind not in KINDS:
        return None
    if kind != "score":
        return ScoreColumn(name, scorer, cast("Kind", kind), None, None)
    known = direction_of(scorer)
    direction = next(
        (each for each in DIRECTIONS if each.encode() == metadata.get(DIRECTION_METADATA)),
        known.direction if known else None,
    )
    bounds = _parse_range(metadata.get(RANGE_METADATA)) or _range_of(known)
    return ScoreColumn(name, scorer, "score", direction, bounds)


def _from_name(name: str) -> ScoreColumn | None:
    head = DEFAULT_PREFIX + "_"
    if not name.startswith(head):
        return None
    for kind in KINDS:
        tail = "_" + kind
        slug = name[len(head) : -len(tail)]
        if name.endswith(tail) and slug:
            known = direction_of(slug) if kind == "score" else None
            return ScoreColumn(
                name, slug, kind, known.direction if known else None, _range_of(known)
            )
    return None


def _range_of(facts: ScoreFacts | None) -> tuple[float, float] | None:
    if facts is None or facts.low is None or facts.high is None:
        return None
    return facts.low, facts.high


def _parse_range(text: bytes | None) -> tuple[float, float] | None:
    try:
        low, high = (float(bound) for bound in (text or b"").decode().split(","))
    except ValueError:
        return None
    return low, high

"""Feature schemas: named, versioned, ordered, append-only lists of feature columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class FeatureSchema:
    """A named, versioned, ordered list of feature columns with a fill policy.

    Attributes:
        id: Name with its version, e.g. ``konvid-v1``.
        columns: Feature columns in input order; once published, never changed.
        required: Columns that a table must have.
        fill: Value for each column that may be absent or null, e.g. ``{"saliency_var": 0.0}``.
        summary: What the schema is for, in one sentence.
    """

    id: str
    columns: tuple[str, ...]
    required: tuple[str, ...]
    fill: Mapping[str, float] = field(default_factory=dict)
    summary: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The schema as JSON: ``id, columns, required, fill``; :meth:`from_dict` reads it back."""
        return {
            "id": self.id,
            "columns": list(self.columns),
            "required": list(self.required),
            "fill": dict(self.fill),
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> FeatureSchema:
        """Read what :meth:`to_dict` wrote."""
        return cls(
            id=document["id"],
            columns=tuple(document["columns"]),
            required=tuple(document["required"]),
            fill={name: float(value) for name, value in document["fill"].items()},
        )

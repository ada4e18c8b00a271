"""Looking at both sides of a join before anything is written."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from labeljoin.facts import INSPECTION_SCHEMA as INSPECTION_SCHEMA
from labeljoin.formats.opening import open_table
from labeljoin.joining.audit import failures_of, label_facts
from labeljoin.joining.diagnosis import diagnose_join, diagnosis_facts
from labeljoin.joining.on_disk import label_files
from labeljoin.joining.options import JoinOptions, accepts_option_keywords
from labeljoin.joining.plan import plan_join
from labeljoin.labels.source import LabelSource

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from provenance.toolkit import ProgressCallback

    from labeljoin.facts import Inspection, MadeKey
    from labeljoin.keys.rule import KeyRule
    from labeljoin.ratings.options import RatingOptions

PathLike = str | os.PathLike[str]

SAMPLE = 5
SEARCHED = 10_000


@accepts_option_keywords(JoinOptions, feature_key_column="key_column")
def inspect(
    features: PathLike,
    labels: PathLike | Sequence[PathLike] | None,
    options: JoinOptions | None = None,
    *,
    ratings: PathLike | Sequence[PathLike] | None = None,
    rating_options: RatingOptions | None = None,
    progress: ProgressCallback | None = None,
) -> Inspection:
    r"""Report what a join would do; nothing is written.

    Args:
        features: A feature table.
        labels: One label file or several; None with ``ratings``.
        options: How to join; the defaults of :class:`JoinOptions` if None.
        ratings: Files of single ratings instead of labels.
        rating_options: How MOS are made of them.
        progress: Called while reading.

    Returns:
        A document (``mos-label-inspection-v1``): both sides' key columns with samples before and
        after normalisation, coverage, the scale of each label file, what would stop the join,
        and, if keys were not matched, what would raise coverage.

    Raises:
        InputError: A side cannot be understood at all.

    Examples:
        >>> from pathlib import Path
        >>> _ = Path("features.csv").write_text("clip,motion\na/1.mp4,0.5\na/2.mp4,0.7\n")
        >>> _ = Path("labels.csv").write_text("clip_id,mos\n1,3.5\n2,4\n")
        >>> found = inspect("features.csv", "labels.csv")
        >>> found["feature_key_column"], found["match_rate"]
        ('clip', 1.0)
    """
    chosen = options or JoinOptions()
    kind, files = label_files(labels, ratings, chosen)
    paths = [os.fspath(path) for path in files]
    table = open_table(features)
    if kind == "ratings":
        from labeljoin.joining.rated import rated_source  # it imports SciPy

        sources = [rated_source(paths, paths, rating_options, chosen)[0]]
    else:
        sources = [LabelSource.open(path) for path in paths]
    plan = plan_join(table, sources, chosen, tolerant=True, progress=progress)
    return {
        "schema": INSPECTION_SCHEMA,
        "feature_table": os.fspath(features),
        "feature_format": table.format,
        "feature_key_column": plan.key_column,
        "clip_key": plan.key.to_dict(),
        "extras": chosen.extras,
        "feature_keys": _sample(table.key_values(plan.key_column), chosen.feature_rule),
        **label_facts(plan),
        "label_keys": [
            {
                "path": source.name,
                "keys": _sample(
                    [source.read([file.key_column], [file.key_column])[file.key_column]],
                    chosen.label_rule,
                ),
            }
            for source, file in zip(sources, plan.index.files, strict=True)
        ],
        "key_normalize": chosen.key_normalize,
        "feature_key_regex": chosen.feature_key_regex,
        "label_key_regex": chosen.label_key_regex,
        "ignore_case": chosen.ignore_case,
        "input_rows": plan.coverage.rows,
        **plan.coverage.to_dict(),
        "columns_to_add": list(plan.columns.schema.names),
        "obstacles": [str(obstacle) for obstacle in plan.obstacles],
        "failures": failures_of(plan, chosen),
        "diagnosis": (
            diagnosis_facts(diagnose_join(table, sources, plan, chosen))
            if failures_of(plan, chosen)
            else None
        ),
    }


def _sample(values: Iterable[pa.Array | pa.ChunkedArray], rule: KeyRule) -> list[MadeKey]:
    """The first distinct values and the keys that they become."""
    for some in values:
        if len(some):
            if isinstance(some.type, pa.ExtensionType):
                some = some.cast(some.type.storage_type)
            head = pc.unique(some[:SEARCHED])[:SAMPLE]
            keys = rule.keys(head).keys.to_pylist()
            return [
                {"value": None if value is None else str(value), "key": key}
                for value, key in zip(head.to_pylist(), keys, strict=True)
            ]
    return []

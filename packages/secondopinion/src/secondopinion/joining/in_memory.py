"""Join second opinions onto a data frame, in memory."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from labeljoin.engine import AttachReport
from labeljoin.formats import FrameTable, arrow_table, collision_error, frame_with
from labeljoin.joining import accepts_option_keywords

from secondopinion.joining.audit import audit_html, audit_of
from secondopinion.joining.collection import read_opinions
from secondopinion.joining.matching import check_matches, plan_join
from secondopinion.joining.on_disk import diagnoses_of, missing_scores
from secondopinion.joining.options import JoinOptions
from secondopinion.scores.file import ScoreFile

if TYPE_CHECKING:
    from labeljoin.formats import Frame
    from provenance.toolkit import ProgressCallback

    from secondopinion.facts import AuditDocument

Scores = str | os.PathLike[str] | ScoreFile


@dataclass(frozen=True)
class JoinResult:
    """A table with second opinions, made in memory.

    Attributes:
        table: The features with the new columns at the end, as a frame of the caller's library
            (pandas, polars, pyarrow); a pyarrow table where that is unknown. The features' own
            columns and index stay as they are.
        audit: The audit as :func:`secondopinion.join_file` writes it, without paths and
            ``run_provenance``.
    """

    table: Any
    audit: AuditDocument

    def _repr_html_(self) -> str:
        return audit_html(self.audit)


@accepts_option_keywords(JoinOptions)
def join(
    features: Frame,
    scores: Any,
    options: JoinOptions | None = None,
    *,
    progress: ProgressCallback | None = None,
) -> JoinResult:
    """Join the scores of every scorer onto a data frame, with the semantics of a join on disk.

    Args:
        features: Features: anything with the Arrow PyCapsule interface (pandas, polars, pyarrow).
        scores: ``[LABEL=]PATH``, one or a list of them; or a mapping from names of scorers to
            paths or data frames with a column of clip keys and one of scores.
        options: How to join; None takes the defaults of :class:`JoinOptions`.
        progress: Called while reading.

    Returns:
        The table with its new columns, as a frame of the library of ``features``, and the audit.

    Raises:
        InputError: An input or option is unusable, a scorer scored a clip twice, or scored no
            clip of the table.
        MissingScoresError: ``missing="fail"`` and a row lacks a score, or a scorer matches less
            than ``min_match_rate``; its ``document`` is the audit.

    Example:
        >>> import pyarrow as pa
        >>> features = pa.table({"clip": ["a.mp4", "b.mp4"], "adm2": [0.9, 0.8]})
        >>> niqe = pa.table({"clip": ["a", "b"], "score": [4.1, 7.3]})
        >>> joined = join(features, {"niqe": niqe}, JoinOptions(key_column="clip"))
        >>> joined.table["second_opinion_niqe_score"].to_pylist()
        [4.1, 7.3]
    """
    chosen = options or JoinOptions()
    table = FrameTable(arrow_table(features, "the features"), "data frame")
    opinions = read_opinions(_given(scores), **chosen.reading(), progress=progress)
    plan = plan_join(table, opinions, chosen, progress=progress)
    diagnoses = diagnoses_of(table, plan, chosen)
    check_matches(plan, table, diagnoses)
    new = plan.columns.schema.names
    taken = [name for name in new if name in table.column_names]
    if taken and not chosen.overwrite:
        raise collision_error(taken, str(table.path))
    keys = table.table[plan.key_column].combine_chunks()
    drop = chosen.missing == "drop" and bool(plan.lacking)
    keep = np.asarray(plan.kept(keys)).tolist() if drop else None
    rows = len(keys)
    failed = plan.refused_by(chosen)
    done = AttachReport("in-memory", None, rows, rows if keep is None else sum(keep), ())
    audit = audit_of(
        plan,
        opinions,
        chosen,
        features=str(table.path),
        out=None,
        report=None if failed else done,
        diagnoses=diagnoses,
    )
    if failed:
        few = plan.below(chosen.min_match_rate)
        raise missing_scores(audit, str(table.path), few, diagnoses)
    batch = plan.columns(keys)
    added = pa.Table.from_arrays(
        [
            column.cast(field.type)
            for field, column in zip(plan.columns.schema, batch.columns, strict=True)
        ],
        schema=plan.columns.schema.with_metadata(
            {name.encode(): text.encode() for name, text in plan.clip_key.metadata().items()}
        ),
    )
    result = frame_with(features, added, replaced=taken, keep=keep)
    return JoinResult(result, audit)


def _given(scores: Any) -> list[Scores]:
    if isinstance(scores, str | os.PathLike):
        return [scores]
    if not isinstance(scores, Mapping):
        return list(scores)
    found: list[Scores] = []
    for name, each in scores.items():
        if isinstance(each, str | os.PathLike):
            found.append(f"{name}={os.fspath(each)}")
        else:
            frame = FrameTable(arrow_table(each, f"the scores of {name}"), name)
            found.append(ScoreFile(Path(name), name, frame))
    return found

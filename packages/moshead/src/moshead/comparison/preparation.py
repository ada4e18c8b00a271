"""Prepare a comparison: match earlier runs, choose the folds, list the candidates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from labeljoin.keys import percent
from provenance.toolkit import InputError

from moshead.baselines.regressors import REGRESSORS
from moshead.comparison.candidates import (
    MOST_MISSING,
    Candidate,
    ColumnCandidate,
    ModelCandidate,
    OutOfFoldCandidate,
    RegressorCandidate,
)
from moshead.comparison.earlier import EarlierRun, read_earlier
from moshead.comparison.protocol import (
    TEST_SHARE,
    Protocol,
    ProtocolKind,
    draw_folds,
    draw_splits,
    given_folds,
    straddles,
)
from moshead.comparison.protocol import Mapping as MappingKind
from moshead.corpus.folds import corpus_folds, split_partition

if TYPE_CHECKING:
    from moshead.comparison.rows import Rows, Wanted


def match_earlier(
    rows: Rows, paths: Mapping[str, Path]
) -> tuple[Rows, dict[str, EarlierRun], list[str]]:
    """Read earlier runs, and keep the rows that all of them predicted.

    Returns:
        The rows, the runs by name, and notes.
    """
    notes: list[str] = []
    if not paths:
        return rows, {}, notes
    earlier = {
        name: read_earlier(path, name, rows.corpus.keys, rows.mos) for name, path in paths.items()
    }
    known = np.all([run.known for run in earlier.values()], axis=0)
    if not known.any():
        raise InputError(
            "no row was predicted by every out-of-fold file",
            where=", ".join(map(str, paths.values())),
            fix="Give out-of-fold files of the same clips",
            code="compare.no-common-rows",
        )
    if not known.all():
        lacking = int((~known).sum())
        notes.append(
            f"{lacking:,} of {len(known):,} rows are left out: an out-of-fold file lacks them."
        )
        kept = np.flatnonzero(known)
        rows = rows.take(kept)
        earlier = {
            name: replace(
                run,
                predicted=run.predicted[:, kept],
                folds=None if run.folds is None else run.folds[kept],
            )
            for name, run in earlier.items()
        }
    return rows, earlier, notes


def choose_protocol(
    rows: Rows,
    earlier: Mapping[str, EarlierRun],
    kind: ProtocolKind,
    splits: int,
    k_folds: int,
    seed: int,
    mapping: MappingKind | None,
    notes: list[str],
) -> Protocol:
    """Choose the folds: those of an earlier run, of the table's split, or drawn.

    Args:
        rows: The rows.
        earlier: Earlier runs by name.
        kind: ``folds`` or ``splits``.
        splits: Random splits.
        k_folds: Folds.
        seed: Draws them.
        mapping: The protocol's own by default.
        notes: What is noteworthy is added here.

    Raises:
        InputError: There are too few clips or groups.
    """
    if float(np.ptp(rows.mos)) < 1e-6:
        raise InputError(
            "all MOS are equal",
            where=rows.where,
            fix="Check the labels",
            code="compare.constant-labels",
        )
    if kind == "splits":
        return Protocol(
            "splits",
            draw_splits(rows.units, splits, seed),
            seed,
            f"{splits} random splits by {rows.unit_name}, "
            f"{1 - TEST_SHARE:.0%} to train and {TEST_SHARE:.0%} to judge",
            mapping or "held-out",
        )
    mapping = mapping or "training"
    for name, run in earlier.items():
        if run.folds is None:
            continue
        folds = given_folds(run.folds.tolist())
        if straddles(folds, rows.units):
            notes.append(
                f"The folds of {name} part rows of one clip or group, so others were drawn."
            )
            continue
        return Protocol("folds", folds, None, f"the {len(folds)} folds of {name}", mapping)
    words = rows.corpus.splits
    if words is not None:
        train, held_out = np.flatnonzero(words == "train"), np.flatnonzero(words == "val")
        if len(train) and len(held_out):
            fold = split_partition(train, held_out).folds
            return Protocol("folds", fold, None, "the split of the table: train and val", mapping)
    names = rows.corpus.corpus_names
    folds = draw_folds(rows.units, k_folds, seed, grouped=rows.grouped, corpora=names)
    return Protocol(
        "folds",
        folds,
        seed,
        f"{k_folds} folds by {rows.unit_name}, as training with this seed draws them",
        mapping,
    )


def corpora_protocol(rows: Rows, mapping: MappingKind | None) -> Protocol:
    """Hold out each corpus whole, in turn.

    Args:
        rows: The rows.
        mapping: ``training`` by default.

    Raises:
        InputError: The rows are of one corpus.
    """
    names = rows.corpus.corpus_names
    if names is None or len(np.unique(names)) < 2:
        raise InputError(
            "--leave-one-corpus-out needs rows of several corpora",
            where=rows.where,
            fix="Name the corpus of each table: --features NAME=PATH",
            code="compare.one-corpus",
        )
    return Protocol(
        "folds",
        corpus_folds(rows.units, names),
        None,
        "each corpus held out whole, and all others trained on",
        mapping or "training",
    )


def list_candidates(
    rows: Rows,
    wanted: Wanted,
    earlier: Mapping[str, EarlierRun],
    setting: Protocol,
    *,
    baselines: bool,
    recipe: str,
    seeds: int,
    seed: int,
) -> list[Candidate]:
    """List the candidates: models, earlier runs, score columns, stock regressors.

    Raises:
        InputError: Two have one name, or a score column is mostly missing.
    """
    found: list[Candidate] = []
    if wanted.models:
        from moshead.comparison.heads import drawn_seeds

        asked = [seed + n for n in range(seeds if setting.kind == "folds" else 1)]
        drawn = drawn_seeds(recipe, asked)
        found += [
            ModelCandidate(
                name, schema.id, schema.columns, drawn, recipe, rows.missing(schema.columns)
            )
            for name, schema in wanted.models.items()
        ]
    for name, run in earlier.items():
        same = run.folds is not None and _same_folds(run, setting)
        found.append(OutOfFoldCandidate(name, str(run.path), run.predicted, run.seeds, same))
    for column in wanted.scores:
        missing = rows.missing([column])
        if missing > MOST_MISSING:
            raise InputError(
                f"{percent(missing)} of the values of {column!r} are missing",
                where=rows.where,
                fix="Score the missing clips, or leave the column out",
                code="compare.mostly-missing",
            )
        found.append(ColumnCandidate(column, column, missing))
    if baselines:
        missing = rows.missing(wanted.regressors)
        found += [RegressorCandidate(r, wanted.regressors, seed, missing) for r in REGRESSORS]
    names = [candidate.name for candidate in found]
    for name in names:
        if names.count(name) > 1:
            raise InputError(
                f"two candidates are named {name!r}",
                fix="Give each a name of its own: NAME=…",
                code="compare.name-twice",
            )
    return found


def _same_folds(run: EarlierRun, setting: Protocol) -> bool:
    assert run.folds is not None
    numbers = run.folds
    return all(len(np.unique(numbers[f.held_out])) == 1 for f in setting.folds) and len(
        np.unique(numbers)
    ) == len(setting.folds)

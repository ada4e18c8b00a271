"""Read labelled tables into a corpus: labels, splits, repeated rows and leaks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from labeljoin.keys import percent
from provenance.toolkit import InputError, ProgressCallback

from moshead.corpus import leakage
from moshead.corpus.corpus import Corpus
from moshead.corpus.labels import MOS_AGREEMENT
from moshead.corpus.rows import LabelledRows, RowOptions, labelled_rows
from moshead.corpus.sources import Source, open_source, resolved
from moshead.features.matrix import shares

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from moshead.features.domain import Array
    from moshead.features.schemas import FeatureSchema

SPLITS = ("train", "val", "test")
_SPLIT_NAMES = {"validation": "val", "valid": "val", "dev": "val"}


def load_corpus(
    sources: Sequence[Path | Source],
    schema: FeatureSchema,
    options: RowOptions | None = None,
    *,
    progress: ProgressCallback | None = None,
) -> Corpus:
    """Read the labelled rows of feature tables.

    Rows are dropped, and counted by reason, where they have no usable MOS (``no MOS``, ``label
    status <status>``, ``MOS outside [1, 5]``, ``MOS is not a number``), repeat another row
    (``repeated row``), have no clip key (``no clip key``), have no split where others do
    (``no split``), or are unreadable (``bad line``).

    Args:
        sources: Feature tables: parquet, JSONL, JSON, CSV, directories of parts, or tables that
            are open already.
        schema: Feature columns; globs are resolved against all tables.
        options: How rows are read.
        progress: Called after each table.

    Raises:
        InputError: No row has a MOS, nothing tells which column holds the clip key, or the rows
            would train a head that only looks like one; see ``moshead.corpus.leakage``.
    """
    options = options or RowOptions()
    tables = [open_source(each) for each in sources]
    schema = resolved(schema, tables)
    parts = []
    for number, table in enumerate(tables, start=1):
        parts.append(labelled_rows(table, schema, options))
        if progress is not None:
            progress("reading", number, len(tables))
    where = ", ".join(table.where for table in tables)
    _refuse_unlabelled(parts, where=where)
    return _corpus(parts, schema, tables, options, where=where)


def _refuse_unlabelled(parts: Sequence[LabelledRows], *, where: str) -> None:
    if sum(len(part.mos) for part in parts):
        return
    dropped: Counter[str] = sum((part.dropped for part in parts), Counter())
    read = sum(part.read for part in parts)
    reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(dropped.items()))
    raise NoLabelsError(
        f"none of {read} rows has a MOS" + (f" ({reasons})" if reasons else ""),
        where=where or "no table was found",
        fix="Join labels with labeljoin join, and train on the table that it writes",
        code="corpus.no-labels",
    )


class NoLabelsError(InputError):
    """No row has a human rating."""


def _corpus(
    parts: Sequence[LabelledRows],
    schema: FeatureSchema,
    sources: Sequence[Source],
    options: RowOptions,
    *,
    where: str,
) -> Corpus:
    filled_parts = [part for part in parts if len(part.mos)]
    features = np.concatenate([part.features for part in filled_parts])
    mos = np.concatenate([part.mos for part in filled_parts])
    groups = _joined([part.groups for part in filled_parts], filled_parts)
    splits = _joined([part.splits for part in filled_parts], filled_parts)
    corpora = _joined([part.corpora for part in filled_parts], filled_parts)
    dropped: Counter[str] = sum((part.dropped for part in parts), Counter())
    for part in filled_parts:
        leakage.refuse_copies(part.mos, part.predictions, where=where)
    corpus = Corpus(
        schema=schema,
        features=features,
        mos=mos,
        keys=tuple(key for part in filled_parts for key in part.keys),
        clip_keys=tuple(key for part in filled_parts for key in part.clips),
        units=np.arange(len(mos)),
        groups=None if groups is None else tuple(groups),
        splits=None,
        standard_error=np.concatenate([part.standard_error for part in filled_parts]),
        ratings=np.concatenate([part.ratings for part in filled_parts]),
        error_basis=_error_basis(filled_parts, options),
        corpora=None if corpora is None else tuple(corpora),
        scores=_scores(filled_parts),
        tables=tuple(
            (None if source.in_memory else source.path, part.schema)
            for source, part in zip(sources, parts, strict=True)
        ),
        rows_read=sum(part.read for part in parts),
        dropped={},
        filled={
            name: np.concatenate([part.filled[name] for part in filled_parts])
            for name in schema.fill
            if name in schema.columns
        },
        constant=(),
        texts=_texts(filled_parts),
        sources=tuple(source.where for source in sources),
        key_sources=tuple(
            {"table": source.where, **part.key.to_dict()}
            for source, part in zip(sources, parts, strict=True)
        ),
    )
    corpus = _with_splits(corpus, splits, dropped, where=where)
    corpus = _without_repeats(corpus, dropped, where=where)
    leakage.refuse_constant_labels(corpus.mos, where=where)
    leakage.refuse_beyond_float32(schema, corpus.features, where=where)
    leakage.refuse_empty_columns(schema, corpus.features, where=where)
    # What only validate may look at has no say in what a head is trained on.
    seen = np.ones(len(corpus.mos), bool) if corpus.splits is None else corpus.splits != "test"
    if not seen.any():
        seen[:] = True
    constant = leakage.refuse_still_features(schema, corpus.features[seen], where=where)
    filled = shares({name: rows[seen] for name, rows in corpus.filled.items()})
    missing = np.isnan(corpus.features)
    leakage.refuse_copies(
        corpus.mos, dict(zip(schema.columns, corpus.features.T, strict=True)), where=where
    )
    _, clips = np.unique(corpus.features, axis=0, return_index=True)
    leakage.refuse_few_rows(len(clips), corpus.clips, where=where)
    leakage.refuse_formula(
        corpus.mos[clips], np.where(missing, 0.0, corpus.features)[clips], where=where
    )
    equal_rows = _equal_rows(corpus)
    corpus = replace(
        corpus,
        units=_units(corpus),
        dropped=dict(sorted(dropped.items())),
        constant=constant,
        equal_rows=equal_rows,
        notes=tuple(_notes(filled, constant, equal_rows, len(mos))),
    )
    _refuse_straddling(corpus, options, where=where)
    return corpus


def _texts(parts: Sequence[LabelledRows]) -> dict[str, tuple[str, ...]]:
    names = dict.fromkeys(name for part in parts for name in part.texts)
    found = {name: _joined([part.texts.get(name) for part in parts], parts) for name in names}
    return {name: tuple(values) for name, values in found.items() if values is not None}


def _scores(parts: Sequence[LabelledRows]) -> dict[str, Array]:
    names = dict.fromkeys(name for part in parts for name in part.scores)
    return {
        name: np.concatenate(
            [
                part.predictions[name] if name in part.scores else np.full(len(part.mos), np.nan)
                for part in parts
            ]
        )
        for name in names
    }


def _joined(columns: Sequence[list[str] | None], parts: Sequence[LabelledRows]) -> list[str] | None:
    if all(column is None for column in columns):
        return None
    return [
        word
        for column, part in zip(columns, parts, strict=True)
        for word in (column if column is not None else [""] * len(part.mos))
    ]


def _with_splits(
    corpus: Corpus, words: list[str] | None, dropped: Counter[str], *, where: str
) -> Corpus:
    if words is None or not any(words):
        return corpus
    splits = [_SPLIT_NAMES.get(word.lower(), word.lower()) for word in words]
    unknown = sorted({word for word in splits if word and word not in SPLITS})
    if unknown:
        raise InputError(
            f"the split column holds {', '.join(map(repr, unknown[:3]))}",
            where=where,
            fix="Use train, val and test, or point --split-column at another column",
            code="corpus.unknown-split",
        )
    blank = sum(not word for word in splits)
    if blank:
        dropped["no split"] += blank
    kept = np.flatnonzero([bool(word) for word in splits])
    return replace(corpus, splits=np.asarray(splits)).take(kept)


def _without_repeats(corpus: Corpus, dropped: Counter[str], *, where: str) -> Corpus:
    """Collapse rows that are there twice; refuse a clip with two MOS."""
    # Clips of two corpora may have one key: A001 of one is not A001 of the other.
    corpora = corpus.corpora or ("",) * len(corpus.clip_keys)
    first: dict[tuple[str, str], int] = {}
    seen: set[tuple[str, str, bytes]] = set()
    kept = []
    for row, (own, key) in enumerate(zip(corpora, corpus.clip_keys, strict=True)):
        other = first.setdefault((own, key), row)
        if abs(corpus.mos[other] - corpus.mos[row]) > MOS_AGREEMENT:
            names = dict.fromkeys((corpus.keys[other], corpus.keys[row]))
            raise InputError(
                f"the clip {key!r} ({', '.join(names)}) has two MOS, "
                f"{corpus.mos[other]:g} and {corpus.mos[row]:g}",
                where=where,
                fix="Keep one label a clip, or name the column that tells clips apart with "
                "--key-column, and how its values do with --key-normalize",
                code="corpus.two-mos",
            )
        identity = (own, key, corpus.features[row].tobytes())
        if identity not in seen:
            seen.add(identity)
            kept.append(row)
    repeats = len(corpus.keys) - len(kept)
    if not repeats:
        return corpus
    dropped["repeated row"] += repeats
    return corpus.take(np.asarray(kept))


def _units(corpus: Corpus) -> NDArray[np.int64]:
    """Number the sets of rows that share a clip key or a group.

    Rows of other clips with equal feature values do not join: coarse features are often equal,
    and a chain of such rows would tie clips together that have nothing in common. They are
    counted (:func:`_equal_rows`).
    """
    parent = np.arange(len(corpus.keys))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = int(parent[row])
        return row

    for names in _same(corpus):
        seen: dict[Any, int] = {}
        for row, name in enumerate(names):
            other = seen.setdefault(name, row)
            if other != row:
                parent[root(row)] = root(other)
    roots = [root(row) for row in range(len(parent))]
    numbered: dict[int, int] = {}
    return np.asarray([numbered.setdefault(r, len(numbered)) for r in roots], dtype=np.int64)


def _same(corpus: Corpus) -> Iterator[Sequence[Any]]:
    yield corpus.clip_keys
    if corpus.groups is not None:
        # A row without a group is a group of its own.
        yield [group or row for row, group in enumerate(corpus.groups)]


def _equal_rows(corpus: Corpus) -> int:
    """Rows whose feature values equal those of a row of another clip, to the last bit."""
    clips: dict[bytes, set[str]] = {}
    counts: Counter[bytes] = Counter()
    for key, features in zip(corpus.clip_keys, corpus.features, strict=True):
        raw = features.tobytes()
        clips.setdefault(raw, set()).add(key)
        counts[raw] += 1
    return sum(count for raw, count in counts.items() if len(clips[raw]) > 1)


def _refuse_straddling(corpus: Corpus, options: RowOptions, *, where: str) -> None:
    if corpus.splits is None:
        return
    pairs = np.unique(np.stack([corpus.units.astype(str), corpus.splits]), axis=1)
    units, counts = np.unique(pairs[0], return_counts=True)
    if not (counts > 1).any():
        return
    unit = int(units[counts > 1][0])
    rows = np.flatnonzero(corpus.units == unit)
    word = f"group ({options.group_column})" if corpus.groups is not None else "clip"
    example = corpus.groups[rows[0]] if corpus.groups is not None else corpus.keys[rows[0]]
    raise InputError(
        f"the {word} {example!r} is in {' and '.join(sorted(set(corpus.splits[rows])))}, so the "
        "head would be judged on what it was trained on",
        where=where,
        fix="Split by clip and by content, then train again",
        code="corpus.split-straddles",
    )


def _notes(
    filled: dict[str, float], constant: Sequence[str], equal_rows: int, rows: int
) -> Iterator[str]:
    if equal_rows:
        yield (
            f"{equal_rows:,} of {rows:,} rows have the same feature values as a row of another "
            "clip. Where that is one clip under two keys, its rows are trained on and judged on: "
            "give it one key, or name a column that joins them with --group-column."
        )
    whole = [name for name, share in filled.items() if share == 1.0]
    if whole:
        yield f"Filled in all rows, because the tables lack them: {', '.join(whole)}."
    partly = [f"{name} ({percent(share)})" for name, share in filled.items() if 0 < share < 1]
    if partly:
        yield f"Filled in some rows: {', '.join(partly)}."
    still = [name for name in constant if name not in whole]
    if still:
        yield f"Constant over the training rows, so without influence: {', '.join(still)}."
    if leakage.scored_against_themselves(constant):
        yield f"{leakage.SELF_SCORED}."


def _error_basis(parts: Sequence[LabelledRows], options: RowOptions) -> str | None:
    """What the standard errors of labels rest on, and what that assumes."""
    known = np.concatenate([np.isfinite(part.standard_error) for part in parts])
    modelled = np.concatenate([part.modelled for part in parts])
    if not known.any():
        return None
    divisor = "n - 1" if options.rating_sd_ddof else "n"
    assumed = (
        f"mos_std_dev and mos_n_ratings: raters are taken to be others for every clip, and "
        f"deviations to be divided by {divisor} (--rating-sd-ddof)"
    )
    if not modelled.any():
        return assumed
    by_method = "mos_standard_error, by the method that made the MOS"
    return by_method if modelled[known].all() else f"{by_method}; elsewhere {assumed}"

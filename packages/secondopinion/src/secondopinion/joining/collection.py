"""Read all score files of a join into one table per scorer, with each clip once."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from provenance.toolkit import InputError

from secondopinion.readers.registry import AUTO, reader_for
from secondopinion.scorers.facts import (
    Direction,
    ScoreFacts,
    decide_scale,
    facts_for,
    is_known,
    slug_of,
)
from secondopinion.scores.file import ScoreFile, ScoreSpecification
from secondopinion.scores.opinions import (
    SCORES_SCHEMA,
    STATUS_BAD,
    STATUS_OK,
    Opinions,
    ReadFile,
    Scorer,
)
from secondopinion.scores.payloads import Fields

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from labeljoin.keys import KeyResult, KeyRule
    from provenance.toolkit import ProgressCallback

    from secondopinion.facts import DecidedBy
    from secondopinion.readers.reader import ScoreReader
    from secondopinion.scores.rows import ScoreBatch


def read_opinions(
    scores: Sequence[str | os.PathLike[str] | ScoreFile],
    *,
    rule: KeyRule,
    format: str = AUTO,
    score_key_field: str | None = None,
    score_field: str | None = None,
    directions: Mapping[str, Direction] | None = None,
    ranges: Mapping[str, tuple[float, float]] | None = None,
    progress: ProgressCallback | None = None,
) -> Opinions:
    """Read score files.

    Args:
        scores: ``[LABEL=]PATH`` each; a file, a directory or a glob pattern; or a data frame, as
            a score file that holds one.
        rule: The rule that turns the clip names of the files into clip keys.
        format: The layout of all files; ``auto`` finds each file's from its content.
        score_key_field: The member that holds the clip key.
        score_field: The member that holds the score.
        directions: Direction by slug; overrides the registry.
        ranges: Bounds of the scale by slug; overrides the registry.
        progress: Called with the number of files read.

    Raises:
        InputError: A file cannot be read or named, a scorer scored a clip twice, or two scorers
            have one slug.
    """
    if not scores:
        raise InputError(
            "No score file was given",
            fix="Name at least one with --scores",
            code="scores.none-given",
        )
    collector = _Collector(format, score_key_field, score_field)
    files = [(file, str(given)) for given in scores for file in _files_of(given)]
    for file, given in files:
        collector.read(file, given)
        if progress:
            progress("read scores", len(collector.files), len(files))
    collector.refuse_a_file_twice()
    return collector.opinions(rule, directions or {}, ranges or {})


def _files_of(given: str | os.PathLike[str] | ScoreFile) -> list[ScoreFile]:
    if isinstance(given, ScoreFile):
        return [given]
    specification = ScoreSpecification.parse(given)
    return [ScoreFile(path, specification.label) for path in specification.files]


class _Keys(NamedTuple):
    """The clip keys of some rows, and whether each is unique."""

    result: KeyResult
    unique: bool


class _Collector:
    """Collects batches by scorer."""

    def __init__(self, format: str, key_field: str | None, score_field: str | None) -> None:
        self.files: list[ReadFile] = []
        self.score_files: list[ScoreFile] = []
        self._format = format
        self._key_field = key_field
        self._score_field = score_field
        self._names: dict[str, tuple[str, ReadFile]] = {}
        self._decided: dict[str, dict[DecidedBy, None]] = {}
        self._tables: dict[str, list[pa.Table]] = {}
        self._derived: list[tuple[pa.ChunkedArray, _Keys]] = []
        self._reruns: set[int] = set()
        self._unused_labels: dict[tuple[str, str], list[ScoreFile]] = {}

    def read(self, file: ScoreFile, given: str) -> None:
        reader = reader_for(file, self._format)
        fields = Fields(self._key_field, self._score_field)
        shown = os.fsencode(file.path).decode("utf-8", "replace")  # names of files may be any bytes
        read = ReadFile(
            path=shown,
            given=given,
            format=reader.format,
            decided_by="content" if self._format == AUTO else "--format",
            label=file.label,
        )
        if reader.appends_reruns:
            self._reruns.add(len(self.files))
        self.files.append(read)
        self.score_files.append(file)
        for batch in reader.read(file, fields):
            if len(batch):
                self._add(batch, read, file, reader)
        read.fields = tuple(fields.chosen)
        if not read.rows:
            raise InputError(
                "The file has no scores",
                where=str(file),
                fix="Give a file with scores",
                code="scores.none-in-file",
            )

    def _add(self, batch: ScoreBatch, read: ReadFile, file: ScoreFile, reader: ScoreReader) -> None:
        base, decided_by = self._name(batch, file, reader)
        name = f"{base}_{batch.part}" if batch.part else base
        slug = slug_of(name)
        known, first = self._names.setdefault(slug, (name, read))
        if known != name:
            raise InputError(
                f"The scorers {known!r} (of {first.path}) and {name!r} both become the slug {slug}",
                where=read.path,
                fix="Name them with LABEL=PATH in --scores: differently, or spelled alike",
                code="scorers.slug-conflict",
            )
        self._decided.setdefault(slug, {})[decided_by] = None
        read.rows += len(batch)
        read.scorers[slug] = None
        self._tables.setdefault(slug, []).append(_as_table(batch, len(self.files) - 1))

    def _name(
        self, batch: ScoreBatch, file: ScoreFile, reader: ScoreReader
    ) -> tuple[str, DecidedBy]:
        if batch.scorer:
            if file.label and slug_of(file.label) != slug_of(batch.scorer):
                unused = self._unused_labels.setdefault((file.label, batch.scorer), [])
                unused.append(file)
            return batch.scorer, "file"
        if file.label:
            return file.label, "label"
        if reader.scorer:
            return reader.scorer, "format"
        stem = file.path.stem
        if any(mark.isalnum() for mark in stem) and is_known(slug_of(stem)):
            return slug_of(stem), "file name"
        raise InputError(
            "The file does not state which scorer wrote it",
            where=str(file),
            fix=f"Name the scorer: --scores LABEL={file}",
            code="scorers.unnamed",
        )

    def refuse_a_file_twice(self) -> None:
        seen: dict[str, str] = {}
        for file in self.score_files:
            if file.table is not None:
                continue
            real = str(file.path.resolve())
            if real in seen:
                raise InputError(
                    "The score file is given twice",
                    where=str(file),
                    fix="Name it once. A glob pattern or a directory may include it too",
                    code="scores.repeated-file",
                )
            seen[real] = str(file)

    def opinions(
        self,
        rule: KeyRule,
        directions: Mapping[str, Direction],
        ranges: Mapping[str, tuple[float, float]],
    ) -> Opinions:
        for flag, slugs in (("--direction", directions), ("--score-range", ranges)):
            unknown = [slug for slug in slugs if slug not in self._tables]
            if unknown:
                raise InputError(
                    f"{flag} names {unknown[0]}, but no file has its scores",
                    fix=f"Use a slug of {', '.join(sorted(self._tables))}",
                    code="scorers.not-read",
                )
        scorers = {
            slug: self._scorer(slug, rule, facts_for(slug, directions, ranges))
            for slug in sorted(self._tables)
        }
        return Opinions(scorers, self.files, self._notes(scorers.values()), self.score_files)

    def _notes(self, scorers: Iterable[Scorer]) -> list[str]:
        labels = [
            f"{files[0]}{f' and {len(files) - 1:,} more files' if len(files) > 1 else ''} "
            f"state the scorer {scorer}, so the label {label} was not used."
            if len(files) > 1
            else f"{files[0]} states the scorer {scorer}, so the label {label} was not used."
            for (label, scorer), files in self._unused_labels.items()
        ]
        values = [
            f"{scorer.slug} has {count:,} {what}; they became null."
            for scorer in scorers
            for count, what in (
                (
                    scorer.bad_runtimes,
                    "runtimes that are not a non-negative number of milliseconds",
                ),
                (scorer.bad_frames, "frame counts that are not non-negative whole numbers"),
            )
            if count
        ]
        scales = [
            f"The scores of {scorer.slug} fit none of its scales ("
            + ", ".join(f"{low:.15g} to {high:.15g}" for low, high in scorer.facts.scales)
            + "); they were stored as given."
            for scorer in scorers
            if scorer.facts is not None
            and scorer.facts.scales
            and scorer.facts.low is None
            and len(scorer.scores["score"].drop_null())
        ]
        return labels + values + scales

    def _scorer(self, slug: str, rule: KeyRule, facts: ScoreFacts | None) -> Scorer:
        table = pa.concat_tables(self._tables.pop(slug)).combine_chunks()
        loaded = len(table)
        keys = self._keys_of(table["raw_key"], rule)
        table = table.append_column("key", keys.result.keys)
        if keys.result.keyless:
            table = table.filter(pc.is_valid(table["key"]))
        table, collapsed = (table, 0) if keys.unique else self._unique(table, slug)
        table, unused = _unused(table)
        table, reasons = _mark_bad_scores(table)
        if facts is not None and facts.scales:
            spread = pc.min_max(table["score"]).as_py()
            facts = decide_scale(slug, facts, spread["min"], spread["max"])
        return Scorer(
            name=self._names[slug][0],
            slug=slug,
            decided_by=self._decided[slug],
            facts=facts,
            scores=table.select(SCORES_SCHEMA.names),
            loaded=loaded,
            keyless=keys.result.reasons,
            reruns_collapsed=collapsed,
            bad_reasons=reasons,
            out_of_range=_out_of_range(table, facts),
            **unused,
        )

    def _keys_of(self, values: pa.ChunkedArray, rule: KeyRule) -> _Keys:
        """Return the clip keys of a scorer's rows.

        Scorers that scored the same clips in the same order share them, as DOVER's three do.
        """
        for known, keys in self._derived:
            if known.equals(values):
                return keys
        result = rule.keys(values)
        distinct = len(pc.unique(result.keys.drop_null()))
        keys = _Keys(result, distinct == len(values) - result.keyless)
        self._derived.append((values, keys))
        return keys

    def _unique(self, table: pa.Table, slug: str) -> tuple[pa.Table, int]:
        """Return the table with each key once, and how many repetitions were left out.

        Raises:
            InputError: A key occurs twice, and not by a rerun with the same result.
        """
        encoded = table["key"].combine_chunks().dictionary_encode()
        codes = encoded.indices.to_numpy(zero_copy_only=False)
        _, first_at = np.unique(codes, return_index=True)
        keep = np.zeros(len(codes), bool)
        keep[first_at] = True
        for at in np.flatnonzero(~keep):
            first = int(first_at[codes[at]])
            if not self._is_rerun(table, first, int(at)):
                raise self._duplicate(table, slug, first, int(at))
        return table.filter(pa.array(keep)), int((~keep).sum())

    def _is_rerun(self, table: pa.Table, first: int, again: int) -> bool:
        one, other = (table.slice(at, 1).to_pylist()[0] for at in (first, again))
        one.pop("row")
        other.pop("row")
        # NaN differs from itself: a run that failed twice is not a rerun with the same result.
        return one["file"] in self._reruns and one == other

    def _duplicate(self, table: pa.Table, slug: str, first: int, again: int) -> InputError:
        one, other = (table.slice(at, 1).to_pylist()[0] for at in (first, again))
        places = [f"{self.files[each['file']].path}, row {each['row']:,}" for each in (one, other)]
        said = [f"{each['raw_key']!r} with {each['score']}" for each in (one, other)]
        fold = (
            "; if they are two clips, use --key-normalize raw or --score-key-regex"
            if one["raw_key"] != other["raw_key"]
            else ""
        )
        return InputError(
            f"{slug} scored the clip {one['key']!r} twice: {places[0]} has {said[0]}, and "
            f"{places[1]} has {said[1]}",
            fix=f"Remove one of the rows{fold}",
            code="scores.repeated-clip",
        )


def _as_table(batch: ScoreBatch, file: int) -> pa.Table:
    size = len(batch)
    columns = {
        "raw_key": _key_texts(batch.keys),
        "score": batch.scores,
        "ok": batch.ok if batch.ok is not None else pa.repeat(True, size),
        "runtime_ms": batch.runtime_ms
        if batch.runtime_ms is not None
        else pa.nulls(size, pa.float64()),
        "frames": batch.frames if batch.frames is not None else pa.nulls(size, pa.int64()),
        "file": pa.repeat(pa.scalar(file, pa.int32()), size),
        "row": batch.rows,
    }
    return pa.table(columns)


def _key_texts(keys: pa.Array) -> pa.StringArray:
    if pa.types.is_dictionary(keys.type):
        keys = keys.dictionary_decode()
    if pa.types.is_floating(keys.type):
        # Whole numbers are written without a fraction, as KeyRule writes every key.
        return pa.array(
            [
                None if key is None else f"{key:.0f}" if key.is_integer() else repr(key)
                for key in keys.to_pylist()
            ],
            pa.string(),
        )
    return keys.cast(pa.string())


def _mark_bad_scores(table: pa.Table) -> tuple[pa.Table, dict[str, int]]:
    """Add the status of each score; a bad score becomes null."""
    score = table["score"].combine_chunks()
    finite = pc.fill_null(pc.is_finite(score), False)
    ok = pc.and_(finite, table["ok"].combine_chunks())
    reasons = {
        "status": int(pc.sum(pc.invert(table["ok"])).as_py() or 0),
        "not-finite": int(pc.sum(pc.and_(table["ok"], pc.invert(finite))).as_py() or 0),
    }
    nothing = pa.scalar(None, pa.float64())
    table = table.set_column(
        table.column_names.index("score"), "score", pc.if_else(ok, score, nothing)
    )
    return table.append_column("status", pc.if_else(ok, STATUS_OK, STATUS_BAD)), reasons


def _unused(table: pa.Table) -> tuple[pa.Table, dict[str, int]]:
    """Replace unusable runtimes and frame counts by null, and count them."""
    counts = {}
    for column, name in (("runtime_ms", "bad_runtimes"), ("frames", "bad_frames")):
        values = table[column].combine_chunks()
        usable = pc.and_(pc.is_finite(values), pc.greater_equal(values, 0))
        counts[name] = int(pc.sum(pc.invert(usable)).as_py() or 0)
        if counts[name]:
            cleared = pc.if_else(usable, values, pa.scalar(None, values.type))
            table = table.set_column(table.column_names.index(column), column, cleared)
    return table, counts


def _out_of_range(table: pa.Table, facts: ScoreFacts | None) -> int:
    if facts is None or facts.low is None or facts.high is None:
        return 0
    score = table["score"]
    outside = pc.or_(pc.less(score, facts.low), pc.greater(score, facts.high))
    return int(pc.sum(outside).as_py() or 0)

"""Second opinions: which columns are scores, and what their scorers were trained on.

A scorer that was trained on the judged corpus is a leak that no fold can see: it knows the held-out
clips too. The published training corpora of scorers stand in ``secondopinion``'s ``scorers.toml``,
and ``secondopinion join`` writes them into the field metadata of its parquet columns, and into its
audit beside tables of other formats. Here they are read back, corrected by ``--trained-on``, and
compared with the name of the judged corpus.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import orjson
from provenance import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pyarrow as pa

TRAINED_ON_METADATA = b"moskit.trained_on"
SCORER_METADATA = b"moskit.scorer"
KIND_METADATA = b"moskit.kind"
AUDIT_SCHEMA = "second-opinion-materializer-v1"

SCORE_COLUMN = re.compile(r"^second_opinion_(?P<slug>[a-z0-9_]+)_score$")

Status = Literal["contaminated", "possible", "clean", "unknown"]

_NOT_WORD = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class TrainedOn:
    """What is known about the training corpora of one scorer.

    Attributes:
        corpora: Corpora that it was trained on; None where nobody knows.
        variants: Corpora that published variants of it were trained or fine-tuned on.
        source: Where that is published, or ``--trained-on``.
    """

    corpora: tuple[str, ...] | None
    variants: tuple[str, ...] = ()
    source: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON: ``corpora, variants, source``."""
        return {
            "corpora": None if self.corpora is None else list(self.corpora),
            "variants": list(self.variants),
            "source": self.source,
        }


UNKNOWN = TrainedOn(None)


@dataclass(frozen=True)
class Contamination:
    """Whether a scorer was trained on the judged corpus.

    Attributes:
        status: ``contaminated``: trained on it; ``possible``: a published variant was; ``clean``:
            its training corpora are known and this one is not among them; ``unknown``.
        sentence: The same for people, with the source; empty for ``clean``.
    """

    status: Status
    sentence: str

    def to_dict(self) -> dict[str, Any]:
        """As JSON: ``status, sentence``."""
        return {"status": self.status, "sentence": self.sentence}


def corpus_word(name: str) -> str:
    """A corpus's name without case, spaces and punctuation: ``KoNViD-1k`` and ``konvid_1k`` meet.

    Example:
        >>> corpus_word("KoNViD-1k") == corpus_word("konvid_1k")
        True
    """
    return _NOT_WORD.sub("", name.lower())


def judge_contamination(scorer: str, known: TrainedOn, judged: Sequence[str]) -> Contamination:
    """Compare a scorer's training corpora with the corpora that it is judged on.

    Args:
        scorer: The scorer's slug.
        known: What is known about its training.
        judged: Names of the judged corpora; empty where the table does not say.
    """
    if known.corpora is None:
        return Contamination(
            "unknown", f"It is not known what {scorer} was trained on; say so with --trained-on."
        )
    if not judged:
        if not known.corpora and not known.variants:
            return Contamination("clean", "")
        return Contamination(
            "unknown",
            f"The table does not name its corpus, so it is not known whether {scorer} was trained "
            f"on it (its corpora: {', '.join(known.corpora) or 'none'}).",
        )
    words = {corpus_word(name): name for name in judged}
    source = f" ({known.source})" if known.source else ""
    trained = [words[w] for w in map(corpus_word, known.corpora) if w in words]
    if trained:
        return Contamination(
            "contaminated",
            f"{scorer} was trained on {' and '.join(trained)}{source}: its score here is no test "
            "of it, and every gain that rests on it is in doubt.",
        )
    variants = [words[w] for w in map(corpus_word, known.variants) if w in words]
    if variants:
        return Contamination(
            "possible",
            f"A published variant of {scorer} was trained on {' and '.join(variants)}{source}: "
            f"check which weights made these scores, and say so with --trained-on {scorer}=CORPUS.",
        )
    return Contamination("clean", "")


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


def parse_trained_on(specifications: Iterable[str]) -> dict[str, TrainedOn]:
    """Parse ``SCORER=CORPUS`` into training corpora by slug.

    Several values of one scorer add up; ``SCORER=none`` says that it was trained on no corpus of
    human ratings.

    Args:
        specifications: The values of ``--trained-on``.

    Raises:
        InputError: A value has another form.
    """
    found: dict[str, list[str]] = {}
    for text in specifications:
        scorer, separator, corpus = text.partition("=")
        slug = _NOT_WORD.sub("_", scorer.lower()).strip("_")
        if not separator or not slug or not corpus.strip():
            raise InputError(
                f"--trained-on {text!r} is not of the form SCORER=CORPUS",
                fix="Write for example --trained-on dover=KoNViD-1k, or dover=none",
            )
        corpora = found.setdefault(slug, [])
        if corpus.strip().lower() != "none":
            corpora.append(corpus.strip())
    return {slug: TrainedOn(tuple(names), source="--trained-on") for slug, names in found.items()}


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
            own = _parsed(metadata.get(TRAINED_ON_METADATA))
            if own is None and field.name in beside:
                own = beside[field.name][1]
            if own is not None:
                known[slug] = own
    return Scorers(slug_of, {**known, **corrections})


def _parsed(text: bytes | None) -> TrainedOn | None:
    try:
        return None if text is None else _from_json(json.loads(text))
    except (ValueError, TypeError, KeyError):
        return None


def _from_json(document: Any) -> TrainedOn | None:
    if not isinstance(document, dict):
        return None
    corpora, variants = document.get("corpora"), document.get("variants") or []
    if not isinstance(corpora, list | None) or not isinstance(variants, list):
        return None
    source = document.get("source")
    return TrainedOn(
        None if corpora is None else tuple(map(str, corpora)),
        tuple(map(str, variants)),
        source if isinstance(source, str) else None,
    )


def _from_audit(path: Path) -> dict[str, tuple[str, TrainedOn | None]]:
    """Slug and training corpora of the score columns that the audit beside a table lists."""
    audit = path.with_name(f"{path.name}.audit.json")
    try:
        document = orjson.loads(audit.read_bytes())
    except (OSError, ValueError):
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
            found[columns["score"]] = (str(slug), _from_json(entry.get("trained_on")))
    return found

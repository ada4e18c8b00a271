"""What a scorer was trained on, and whether that is the corpus whose labels judge it.

A scorer that was trained on the judged corpus is a leak that no fold can see: it knows the held-out
clips too. ``secondopinion join`` writes what is published about each scorer into its columns;
audit, training and comparison read it back and mark what rests on it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from provenance.toolkit import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

TRAINED_ON_METADATA = "moskit.trained_on"
"""Arrow field metadata of a score column: what its scorer was trained on, as a JSON object with the
members ``corpora``, ``variants`` and ``source``."""

ContaminationStatus = Literal["contaminated", "possible", "clean", "unknown"]

_UNKNOWN_TRAINING = "It is not known what {} {} trained on; name it with --trained-on."
_UNNAMED_CORPUS = (
    "The table does not name its corpus, so it is not known whether {} {} trained on it."
)
_NOT_WORD = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class TrainedOn:
    """What is known about the training corpora of one scorer.

    Attributes:
        corpora: Corpora that it was trained on; None if unknown.
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

    def metadata(self) -> bytes:
        """The value of :data:`TRAINED_ON_METADATA`."""
        return json.dumps(self.to_dict(), sort_keys=True).encode()


UNKNOWN = TrainedOn(None)


@dataclass(frozen=True)
class Contamination:
    """Whether a scorer was trained on the judged corpus.

    Attributes:
        status: ``contaminated``: trained on it; ``possible``: a published variant was; ``clean``:
            its training corpora are known and this one is not among them; ``unknown``.
        sentence: The same for people, with the source; empty for ``clean``.
        scorer: The scorer's slug.
        unknown: Why nothing is known, as a sentence with ``{} {}`` for scorers and "was" or
            "were"; empty where something is.
    """

    status: ContaminationStatus
    sentence: str
    scorer: str = ""
    unknown: str = ""

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

    Examples:
        >>> judge_contamination("dover", TrainedOn(("LSVQ",)), ["lsvq"]).status
        'contaminated'
    """
    if known.corpora is None:
        return Contamination(
            "unknown", _UNKNOWN_TRAINING.format(scorer, "was"), scorer, _UNKNOWN_TRAINING
        )
    if not judged:
        if not known.corpora and not known.variants:
            return Contamination("clean", "")
        sentence = _UNNAMED_CORPUS.format(scorer, "was").rstrip(".")
        sentence += f" (its corpora: {', '.join(known.corpora) or 'none'})."
        return Contamination("unknown", sentence, scorer, _UNNAMED_CORPUS)
    words = {corpus_word(name): name for name in judged}
    source = f" ({known.source})" if known.source else ""
    trained = [words[w] for w in map(corpus_word, known.corpora) if w in words]
    if trained:
        return Contamination(
            "contaminated",
            f"{scorer} was trained on {' and '.join(trained)}{source}: its score here is no test "
            "of it, and every gain that rests on it is in doubt.",
            scorer,
        )
    variants = [words[w] for w in map(corpus_word, known.variants) if w in words]
    if variants:
        return Contamination(
            "possible",
            f"A published variant of {scorer} was trained on {' and '.join(variants)}{source}: "
            "check which weights made these scores, and name it with "
            f"--trained-on {scorer}=CORPUS.",
            scorer,
        )
    return Contamination("clean", "")


def contamination_sentences(doubts: Iterable[Contamination]) -> list[str]:
    """Sentences about several scorers: what is unknown of all of them is said once.

    Args:
        doubts: From :func:`judge_contamination`, one for each scorer.

    Example:
        >>> doubts = [judge_contamination(name, UNKNOWN, ["CHUG"]) for name in ("a", "b", "c")]
        >>> contamination_sentences(doubts)
        ['It is not known what a, b and c were trained on; name it with --trained-on.']
    """
    found: dict[str, list[str]] = {}
    for doubt in doubts:
        if doubt.sentence:
            scorers = found.setdefault(doubt.unknown or doubt.sentence, [])
            if doubt.unknown and doubt.scorer not in scorers:
                scorers.append(doubt.scorer)
    return [_said_of(sentence, scorers) for sentence, scorers in found.items()]


def _said_of(sentence: str, scorers: list[str]) -> str:
    if not scorers:
        return sentence
    if len(scorers) == 1:
        return sentence.format(scorers[0], "was")
    return sentence.format(f"{', '.join(scorers[:-1])} and {scorers[-1]}", "were")


def parse_trained_on(specifications: Iterable[str]) -> dict[str, TrainedOn]:
    """Parse ``SCORER=CORPUS`` into training corpora by slug.

    Several values of one scorer add up; ``SCORER=none`` says that it was trained on no corpus of
    human ratings.

    Args:
        specifications: The values of ``--trained-on``.

    Raises:
        InputError: A value has another form.

    Examples:
        >>> parse_trained_on(["dover=LSVQ", "niqe=none"])["dover"].corpora
        ('LSVQ',)
    """
    found: dict[str, list[str]] = {}
    for text in specifications:
        scorer, separator, corpus = text.partition("=")
        slug = _NOT_WORD.sub("_", scorer.lower()).strip("_")
        if not separator or not slug or not corpus.strip():
            raise InputError(
                f"--trained-on {text!r} is not of the form SCORER=CORPUS",
                fix="Write for example --trained-on dover=KoNViD-1k, or dover=none",
                code="trained-on.form",
            )
        corpora = found.setdefault(slug, [])
        if corpus.strip().lower() != "none":
            corpora.append(corpus.strip())
    return {slug: TrainedOn(tuple(names), source="--trained-on") for slug, names in found.items()}


def trained_on_from(document: Any) -> TrainedOn | None:
    """Read what :meth:`TrainedOn.to_dict` wrote; None where it is something else.

    Examples:
        >>> trained_on_from({"corpora": ["LSVQ"], "variants": []}).corpora
        ('LSVQ',)
    """
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


def trained_on_in(metadata: bytes | None) -> TrainedOn | None:
    """Read the value of :data:`TRAINED_ON_METADATA`; None if it is absent or unreadable.

    Examples:
        >>> trained_on_in(TrainedOn(("LSVQ",)).metadata()).corpora
        ('LSVQ',)
    """
    try:
        return None if metadata is None else trained_on_from(json.loads(metadata))
    except ValueError:
        return None

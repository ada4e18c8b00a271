"""Key regexes: searched in Python's syntax, and never for long."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING

from provenance.toolkit import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LONGEST = 1_000
"""Characters of an expression."""

SECONDS = 2.0
"""Time in which an expression has to answer on one text."""

_MOST_STEPS = 10_000_000
"""Steps of backtracking, a fraction of a second, that need no clock."""

_SHOWN = 60
_NO_QUANTIFIER = re.compile(r"(?<!\\)\{(?![0-9]*,?[0-9]*\})")


def check_expression(pattern: str) -> None:
    """Check that a key regex can be used.

    Raises:
        InputError: It is too long or does not compile.
    """
    _compiled(pattern)


def search_all(pattern: str, texts: Sequence[str]) -> list[str | None]:
    """Search a key regex in texts.

    Most expressions cannot take long, whatever the text: Python's ``re`` searches with those. An
    expression that may backtrack endlessly, ``(a+)+$`` on a run of "a" for instance, goes to the
    package ``regex``, which takes the same syntax, finds the same, and keeps a time limit.

    Args:
        pattern: A regular expression in Python's syntax.
        texts: Where to search.

    Returns:
        For each text the first group, else the whole match, stripped; None where nothing matches,
        or what does is blank.

    Raises:
        InputError: The expression cannot be used, or takes more than :data:`SECONDS` on a text.
    """
    compiled = _compiled(pattern)
    grouped = compiled.groups > 0
    slow: Callable[[str], re.Match[str] | None] | None = None
    found: list[str | None] = []
    for text in texts:
        match: re.Match[str] | None
        if steps(pattern, len(text)) <= _MOST_STEPS:
            match = compiled.search(text)
        else:
            slow = slow or _timed(pattern)
            match = slow(text)
        if match is None:
            found.append(None)
            continue
        taken = match.group(1) if grouped else match.group()
        taken = match.group() if taken is None else taken
        found.append((taken or "").strip() or None)
    return found


def steps(pattern: str, length: int) -> float:
    """Return how many steps a backtracking search may take at most, infinity where nobody knows.

    With q quantifiers that repeat and c that choose, a search tries at most ``length`` starts,
    times ``length`` ends of each repetition, times two ways for each choice. That does not hold
    for a repeated group, which may repeat within itself, nor can it be told where blanks and
    comments stand between the parts. Quantifiers are counted wherever their
    characters stand, in classes and after backslashes too, so the count errs on the safe side.

    Args:
        pattern: The expression.
        length: Characters of the text.
    """
    if re.search(r"\)[*+{]|\(\?[A-Za-z]*x", pattern):
        return float("inf")
    repeating = sum(map(pattern.count, "*+{"))
    choosing = sum(map(pattern.count, "?|"))
    return float((length + 1) ** min(repeating + 1, 9) * 2 ** min(choosing, 60))


def _compiled(pattern: str) -> re.Pattern[str]:
    if len(pattern) > LONGEST:
        raise InputError(
            f"the key regex is {len(pattern):,} characters long; {LONGEST:,} are allowed",
            fix="Give a shorter one",
            code="keys.long-regex",
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what future versions may read otherwise
            return re.compile(pattern)
    except (re.error, OverflowError, RecursionError, MemoryError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else error
        raise InputError(
            f"the key regex {_short(pattern)} does not compile: {reason}",
            fix="Correct the expression (Python syntax; quote it for the shell)",
            code="keys.bad-regex",
        ) from None


def _timed(pattern: str) -> Callable[[str], re.Match[str] | None]:
    """Search with a time limit."""
    import regex

    try:
        # Braces that quantify nothing stand for themselves in ``re``, and mean more there.
        search = regex.compile(_NO_QUANTIFIER.sub(r"\\{", pattern), regex.VERSION0).search
    except (regex.error, OverflowError, RecursionError, MemoryError) as error:
        raise InputError(
            f"the key regex {_short(pattern)} may never end, and cannot be searched for with "
            f"a time limit: {error}",
            fix="Simplify it: repeat no group, and choose between less",
            code="keys.unlimited-regex",
        ) from None

    def find(text: str) -> re.Match[str] | None:
        try:
            match: re.Match[str] | None = search(text, timeout=SECONDS)
        except TimeoutError:
            raise InputError(
                f"the key regex {_short(pattern)} takes more than {SECONDS:g} s on the value "
                f"{_short(text)}",
                fix="Simplify it: a repeated group that holds a repetition, as in (a+)+, tries "
                "every way of dividing the text",
                code="keys.slow-regex",
            ) from None
        return match

    return find


def _short(text: str) -> str:
    shown = repr(text)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}… ({len(text):,} characters)"

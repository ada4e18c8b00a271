"""The errors that moskit raises on purpose, and the exit code each one ends a command with.

Every error says what is wrong, where, and how to fix it, so that a command can print one
sentence and a program can read the parts. Anything else that escapes is a bug in moskit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

EXIT_DONE = 0
EXIT_VERDICT = 1
EXIT_INPUT = 2
EXIT_BUG = 70
EXIT_OUTPUT = 74
EXIT_INTERRUPTED = 130

LONGEST_PART = 1_000
"""Characters that an error's line shows of each of its parts."""


class MoskitError(Exception):
    """Base of every error that moskit raises on purpose.

    Args:
        what: What is wrong, as a sentence without its full stop.
        where: The file, with row or column if known, e.g. ``labels.csv, row 17``.
        fix: What to do about it, as an imperative sentence without its full stop.
        code: The error's stable identifier for programs, ``<subject>.<what is wrong>`` such as
            ``labels.conflict``. Codes never change; the text of an error may.
        document: The JSON document of a run that finished with a negative verdict (an audit whose
            status is ``failed``). ``--json`` prints it with ``error`` and ``exit_code`` added.
    """

    exit_code: ClassVar[int] = EXIT_INPUT

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        fix: str | None = None,
        code: str | None = None,
        document: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.fix = fix
        self.code = code
        self.document = document

    def __str__(self) -> str:
        return sentence(_shown(self.what), self.where and _shown(self.where), self.fix)

    def __reduce__(self) -> tuple[Any, ...]:
        # Errors cross process and cluster borders; keyword-only arguments do not pickle by default.
        return _rebuild, (type(self), self.__dict__.copy())

    def to_document(self) -> dict[str, Any]:
        """Return the error as a JSON object: ``error`` and ``exit_code``."""
        return {
            "error": {
                "type": type(self).__name__,
                "code": self.code,
                "what": _shown(self.what),
                "where": self.where and _shown(self.where),
                "fix": self.fix,
            },
            "exit_code": self.exit_code,
        }


_NAMES: dict[str, str] = {}


def show_instead(path: str, name: str) -> None:
    """Let errors name a local copy by what it is a copy of.

    Args:
        path: The copy, as errors have it.
        name: What people know it by, such as a URL.
    """
    _NAMES[path] = name


def _shown(words: str) -> str:
    for path, name in _NAMES.items():
        words = words.replace(path, name)
    return words


def sentence(what: str, where: str | None, fix: str | None) -> str:
    """Say an error in one line: where it is, what is wrong, and how to fix it.

    Args:
        what: What is wrong, as in :class:`MoskitError`.
        where: The file, row or column, or None.
        fix: What to do about it, or None.

    Examples:
        >>> sentence("The file is empty", "f.csv", "Give a file with rows")
        'f.csv: The file is empty. Give a file with rows.'
    """
    place = f"{shortened(where)}: " if where else ""
    advice = f" {shortened(fix)}." if fix else ""
    return one_line(f"{place}{shortened(what)}.{advice}")


def shortened(words: str) -> str:
    """Return ``words``, or their first and last part where they are longer than a screen.

    Errors quote cells, names and messages of libraries, any of which may be megabytes.

    Example:
        >>> len(shortened("x" * 1_000_000))
        1035
    """
    cut = len(words) - LONGEST_PART
    if cut <= 0:
        return words
    half = LONGEST_PART // 2
    return f"{words[:half]} [… {cut:,} characters left out …] {words[-half:]}"


def one_line(words: str) -> str:
    r"""Return ``words`` with control characters written as escapes.

    Errors quote file names and cells, which may hold newlines, and sequences that a terminal obeys.

    Example:
        >>> print(one_line("two" + chr(10) + "lines"))
        two\nlines
    """
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in words)


def _rebuild(kind: type[MoskitError], state: dict[str, Any]) -> MoskitError:
    error = kind.__new__(kind)
    Exception.__init__(error, state["what"])
    error.__dict__.update(state)
    return error


class InputError(MoskitError):
    """Unusable input or invocation: nothing was written."""

    exit_code = EXIT_INPUT


class VerdictError(MoskitError):
    """The run finished and its verdict is negative: reports were written, no artefact was."""

    exit_code = EXIT_VERDICT


class OutputError(MoskitError):
    """An output could not be written: no space, no permission. Nothing was written."""

    exit_code = EXIT_OUTPUT

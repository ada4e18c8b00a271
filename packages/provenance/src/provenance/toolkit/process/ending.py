"""How a command ends: with the exit code of what happened, and one sentence."""

from __future__ import annotations

import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, NoReturn

import typer

from provenance.toolkit.errors import (
    EXIT_BUG,
    EXIT_DONE,
    EXIT_INPUT,
    EXIT_INTERRUPTED,
    EXIT_OUTPUT,
    InputError,
    MoskitError,
)
from provenance.toolkit.process.interruption import ignore_interrupts, was_interrupted
from provenance.toolkit.process.streams import UnwritableOutputError

# Typer carries a copy of click under a private name, and shows only this class of it.
USAGE_ERROR: Any = typer.BadParameter.__base__
"""What the parser raises for arguments that it refuses."""


class InterruptedCommandError(Exception):
    """The command was interrupted. Typer would end the process without a word."""


def end_with_code(distribution: str, command: Callable[[], Any]) -> NoReturn:
    """Run a command and end the process with the exit code of DESIGN.md.

    Args:
        distribution: The distribution that the command is of.
        command: Returns an exit code, or something else for 0.
    """
    try:
        try:
            code = command()
        except BaseException as error:
            ignore_interrupts()
            code = _exit_code(error, distribution)
        else:
            code = code if isinstance(code, int) else EXIT_DONE
            # Typer has an exit code of its own for an interrupt before the command began.
            if was_interrupted() or code == EXIT_INTERRUPTED:
                code = _interrupted()
        ignore_interrupts()
    except KeyboardInterrupt:  # it came between two of the lines above
        ignore_interrupts()
        code = _interrupted()
    try:
        sys.stdout.flush()
    except UnwritableOutputError as error:
        code = code or _unwritable(error)
    sys.exit(code)


def _exit_code(error: BaseException, distribution: str) -> int:
    """Say why a command has failed, and return its exit code."""
    if isinstance(error, SystemExit):
        raise error
    if was_interrupted() or isinstance(error, InterruptedCommandError | KeyboardInterrupt):
        return _interrupted()
    if isinstance(error, UnwritableOutputError):
        return _unwritable(error)
    if type(error).__name__ == "NoArgsIsHelpError":
        print(error, file=sys.stderr)
        return EXIT_INPUT
    if isinstance(error, USAGE_ERROR):
        error = usage_error(error)
    if isinstance(error, MoskitError):
        return _failed(error)
    from provenance.toolkit.foreign import as_moskit_error

    known = as_moskit_error(error) if isinstance(error, Exception) else None
    if known is not None:
        if known.code == "tables.beyond-arrow":  # unexpected: it may be our doing
            known.fix = f"{known.fix}; the details are in {_write_details(distribution, error)}"
        return _failed(known)
    _complain(
        "This is a bug in moskit, not in your data; "
        f"the details are in {_write_details(distribution, error)}."
    )
    return EXIT_BUG


def _interrupted() -> int:
    _complain("Interrupted; no unfinished output was written.")
    return EXIT_INTERRUPTED


def _unwritable(error: UnwritableOutputError) -> int:
    """Say that standard output cannot be written; a reader that has left is no failure."""
    if error.reader_left:
        return EXIT_DONE
    reason = error.reason.strerror or error.reason
    _complain(
        f"Standard output cannot be written ({reason}). Check where it goes; files that the "
        "command has made are complete."
    )
    return EXIT_OUTPUT


def _failed(error: MoskitError) -> int:
    """Print an error without the secrets that it quotes, as a document too under ``--json``."""
    from provenance.toolkit.redaction import redact_args, redact_text

    if "--json" in sys.argv:
        with suppress(UnwritableOutputError):  # the sentence follows, and the code stays
            write_json({**(error.document or {}), **redact_args(error.to_document())})
    _complain(redact_text(str(error)))
    return error.exit_code


def usage_error(error: BaseException) -> InputError:
    """Return the error of this package for one that the command-line parser has raised.

    Args:
        error: A usage error of the parser, with the context of the command in ``ctx``.
    """
    context = getattr(error, "ctx", None)
    message = str(getattr(error, "format_message", lambda: error)())
    message = " ".join(message.replace("Value error, ", "").split())
    what, maybe, rest = message.partition(" Did you mean")
    what = what.rstrip(".")
    help_text = None if context is None else f"See {context.command_path} --help"
    # The parser asks its question at the end of what is wrong; here it is part of the way out.
    question = f"{maybe}{rest}".strip(" ?.") + "?" if maybe else None
    fix = " ".join(filter(None, (question, help_text))) or None
    kind = type(error).__name__
    if kind == "NoSuchOption":
        return InputError(what, fix=fix, code="usage.unknown-option")
    if kind == "MissingParameter":
        return InputError(what, fix=fix, code="usage.missing")
    if kind == "BadParameter":
        return InputError(what, fix=fix, code="usage.bad-value")
    return InputError(what, fix=fix, code="usage.invalid")


def write_json(document: Mapping[str, Any]) -> None:
    """Write ``document`` as one indented JSON object to standard output.

    Examples:
        >>> import subprocess
        >>> code = "from provenance.toolkit import write_json; write_json({'a': [1]})"
        >>> shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        >>> shown.stdout.split()
        ['{', '"a":', '[', '1', ']', '}']
    """
    import orjson

    from provenance.toolkit.canonical import json_value

    raw = orjson.dumps(json_value(document), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    sys.stdout.flush()
    sys.stdout.buffer.write(raw)
    sys.stdout.buffer.flush()


def _complain(sentence: str) -> None:
    print(f"error: {sentence}", file=sys.stderr)


def _write_details(distribution: str, error: BaseException) -> str:
    from importlib.metadata import version

    from provenance.toolkit.redaction import redact_argv

    details = "".join(traceback.format_exception(error))
    story = f"{distribution} {version(distribution)}\n{redact_argv(sys.argv)!r}\n\n{details}"
    try:
        with tempfile.NamedTemporaryFile(
            "w",
            prefix=f"{distribution}-bug-",
            suffix=".txt",
            delete=False,
            encoding="utf-8",
            errors="backslashreplace",
        ) as file:
            file.write(story)
    except OSError:  # no room even for that
        return f"what follows:\n{story}"
    return file.name

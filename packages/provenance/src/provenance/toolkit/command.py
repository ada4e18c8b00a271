"""What every moskit command shares: flags, exit codes, and how errors end.

A package's ``cli`` room makes one :class:`CommandLine`, registers its commands on it and calls
:meth:`CommandLine.run`. Each command gets an :class:`Output` first, calls one public function and
hands the result to :meth:`Output.result`.

Results for programs go to standard output; people's text and progress go to standard error.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, get_type_hints

import typer

from provenance.toolkit.grammar.configuration import Configured, configured_options
from provenance.toolkit.grammar.output import Facts as Facts
from provenance.toolkit.grammar.output import Output
from provenance.toolkit.grammar.output import ProgressCallback as ProgressCallback
from provenance.toolkit.grammar.parameters import DRY_RUN, Shorthand
from provenance.toolkit.grammar.streams import streamed
from provenance.toolkit.invocation import dry_run, set_invocation
from provenance.toolkit.process.ending import (
    USAGE_ERROR,
    InterruptedCommandError,
    end_with_code,
    usage_error,
)
from provenance.toolkit.process.ending import write_json as write_json
from provenance.toolkit.process.interruption import hear_interrupts
from provenance.toolkit.process.streams import guard_streams

if TYPE_CHECKING:
    from provenance.toolkit.errors import InputError

_HELP = {"help_option_names": ["--help", "-h"]}


class _WithoutPandas:
    """Keeps pandas out of a command's process.

    Arrow imports pandas where it is installed, to know a Series when it meets one. No command has
    one, and that import takes longer than most joins.
    """

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError("moskit's commands do without pandas", name=fullname)


class CommandLine:
    """The commands of one package.

    Args:
        distribution: The distribution whose version ``--version`` prints.
        summary: One sentence for the top of ``--help``.
    """

    def __init__(self, distribution: str, summary: str) -> None:
        self.distribution = distribution
        self.program = distribution.removeprefix("moskit-")
        self._configured: list[Configured] = []
        self.app = typer.Typer(
            help=summary,
            add_completion=True,
            no_args_is_help=True,
            pretty_exceptions_enable=False,
            rich_markup_mode=None,
            context_settings=_HELP,
        )
        self.app.callback()(self._root())

    def _root(self) -> Callable[..., None]:
        def root(show_version: bool = False) -> None:
            """Take the options that stand before the command."""

        root.__annotations__["show_version"] = self._version_flag()
        root.__doc__ = None
        return root

    def _version_flag(self) -> Any:
        return Annotated[
            bool,
            typer.Option(
                "--version",
                help="Print the version and exit.",
                is_eager=True,
                callback=self._version_callback,
            ),
        ]

    def _print_version(self) -> NoReturn:
        from importlib.metadata import version

        typer.echo(f"{self.distribution} {version(self.distribution)}")
        raise typer.Exit

    def command(
        self,
        *,
        example: str,
        name: str | None = None,
        hidden: bool = False,
        table: str | None = None,
        main_output: str | Mapping[str, str] = "out",
    ) -> Callable[[Callable[..., None]], Callable[..., None]]:
        """Register a function as a command.

        Its first parameter receives the :class:`Output`; the others become options, and
        ``--json``, ``--quiet``, ``--verbose`` and ``--version`` are added to them. A parameter
        whose type is a dataclass stands for options that several commands share: each field
        becomes an option, and the function receives the dataclass.

        Args:
            example: A command line that ``--help`` shows.
            name: The command's name; by default the function's.
            hidden: Leave the command out of ``--help``.
            table: The parameter that may be given by position too: the table the command is about.
            main_output: The parameter that ``-o`` sets; or a mapping from suffixes of the file to
                such parameters.
        """
        shorthand = Shorthand(table, main_output)

        def register(function: Callable[..., None]) -> Callable[..., None]:
            own = _annotated(function)[1:]
            groups: dict[str, Any] = {
                p.name: p.annotation for p in own if is_dataclass(p.annotation)
            }

            plain = [
                option
                for parameter in own
                for option in (
                    _annotated(parameter.annotation) if parameter.name in groups else [parameter]
                )
            ]

            writes = shorthand.writes(plain)

            def invoke(
                json: bool, quiet: bool, verbose: bool, show_version: bool, **options: Any
            ) -> None:
                if show_version:
                    self._print_version()
                dry = options.pop(DRY_RUN, False) if writes else False
                configured = [each.name for each in self._configured]
                options, beaten = shorthand.resolve(options, plain, configured)
                if beaten:
                    self._leave_out(beaten)
                for name, group in groups.items():
                    options[name] = group(**{f.name: options.pop(f.name) for f in fields(group)})
                output = Output(json=json, quiet=quiet, verbose=verbose and not quiet)
                output.show_decisions(
                    (" ".join(each.tokens), f"from {each.origin}") for each in self._configured
                )
                main = main_output if isinstance(main_output, str) else ""
                try:
                    with streamed(options, table, main, json=json) as placed, dry_run(dry):
                        function(output, **placed)
                    if dry and not json:
                        output.show("This was a dry run: nothing was written.")
                    output.show_times()
                except KeyboardInterrupt as interrupt:
                    raise InterruptedCommandError from interrupt

            shared = {
                "json": _flag("Print the result as one JSON object on standard output.", "--json"),
                "quiet": _flag("Print nothing for people but errors.", "--quiet", "-q"),
                "verbose": _flag(
                    "Print decisions and times too, on standard error.", "--verbose", "-v"
                ),
                "show_version": self._version_flag(),
            }
            if writes:
                text = "Do all the work, show what comes out, and write nothing."
                shared[DRY_RUN] = _flag(text, "--dry-run")
            keyword = inspect.Parameter.KEYWORD_ONLY
            parameters = [
                option.replace(kind=keyword) for option in shorthand.parameters(plain)
            ] + [
                inspect.Parameter(flag, keyword, default=False, annotation=annotation)
                for flag, annotation in shared.items()
            ]
            invoke.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
            invoke.__annotations__ = {p.name: p.annotation for p in parameters}
            invoke.__doc__ = function.__doc__
            self.app.command(
                name or function.__name__.replace("_", "-"),
                epilog=f"Example: {example}",
                hidden=hidden,
                context_settings=_HELP,
            )(invoke)
            return function

        return register

    def _version_callback(self, wanted: bool) -> None:
        if wanted:
            self._print_version()

    def run(self) -> NoReturn:
        """Run the command line of this process and exit with the code of DESIGN.md."""
        hear_interrupts()
        guard_streams()
        sys.meta_path.insert(0, _WithoutPandas())
        # Arrow's own allocator keeps tens of megabytes more than it hands out, and saves no time.
        os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
        set_invocation(self.program, sys.argv[1:])
        end_with_code(self.distribution, self._parse_and_call)

    def _parse_and_call(self) -> Any:
        """Parse the arguments of this process, with configured ones, and call the command."""
        try:
            return self.app(self._with_configuration(sys.argv[1:]), standalone_mode=False)
        except USAGE_ERROR as error:
            name = getattr(getattr(error, "param", None), "name", None)
            origin = next((each.origin for each in self._configured if each.name == name), None)
            if origin is None:
                raise
            shown: InputError = usage_error(error)
            shown.where = origin
            raise shown from error

    def _with_configuration(self, typed: list[str]) -> list[str]:
        """Return the arguments of this process with those of its configuration put in."""
        commands = getattr(typer.main.get_command(self.app), "commands", {})
        if not typed or typed[0] not in commands:
            return typed
        self._configured = configured_options(
            self.program,
            typed[0],
            commands[typed[0]].params,
            typed[1:],
            environment=os.environ,
            folder=Path.cwd(),
        )
        self._typed = typed
        return self._leave_out(())

    def _leave_out(self, names: Collection[str]) -> list[str]:
        """Drop configured options, and record the command line without them."""
        self._configured = [each for each in self._configured if each.name not in names]
        tokens = [token for each in self._configured for token in each.tokens]
        arguments = [self._typed[0], *tokens, *self._typed[1:]]
        set_invocation(self.program, arguments)
        return arguments


def _annotated(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """Return the parameters of a function or a dataclass, with annotations for strings."""
    hints = get_type_hints(function, include_extras=True)
    return [
        parameter.replace(annotation=hints[parameter.name])
        for parameter in inspect.signature(function).parameters.values()
    ]


def _flag(help_text: str, *names: str) -> Any:
    return Annotated[bool, typer.Option(*names, help=help_text)]

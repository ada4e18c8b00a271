"""What every moskit command shares: flags, exit codes, where text goes, and how errors end.

A package's ``cli`` room makes one :class:`CommandLine`, registers its commands on it and calls
:meth:`CommandLine.run`. Each command gets an :class:`Output` first, calls one public function and
hands the result to :meth:`Output.result`.

Results for programs go to standard output; people's text and progress go to standard error.
"""

from __future__ import annotations

import functools
import inspect
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from importlib.abc import MetaPathFinder
from importlib.metadata import version
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, get_type_hints

import typer

from provenance.toolkit.errors import one_line
from provenance.toolkit.invocation import set_invocation
from provenance.toolkit.process.ending import InterruptedCommandError, end_with_code, write_json
from provenance.toolkit.process.interruption import hear_interrupts
from provenance.toolkit.process.streams import guard_streams

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.text import Text

ProgressCallback = Callable[[str, int, int | None], None]
"""Called as ``progress(step, done, total)``; ``total`` is None where it is not known."""


class _WithoutPandas(MetaPathFinder):
    """Keeps pandas out of a command's process.

    Arrow imports pandas where it is installed, to know a Series when it meets one. No command has
    one, and that import takes longer than most joins.
    """

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError("moskit's commands do without pandas", name=fullname)


class Output:
    """Where a command's words go.

    Args:
        json: Print the result as one JSON object on standard output.
        quiet: Print nothing for people but errors.
    """

    def __init__(self, *, json: bool = False, quiet: bool = False) -> None:
        self.json = json
        self.quiet = quiet

    @functools.cached_property
    def console(self) -> Console:
        """The Rich console on standard error, silent under ``--quiet``."""
        return self._console(None)

    def _console(self, width: int | None) -> Console:
        from provenance.toolkit.console import SafeConsole

        return SafeConsole(
            stderr=True, quiet=self.quiet, highlight=False, soft_wrap=True, width=width
        )

    def result(self, document: Mapping[str, Any], *renderables: RenderableType) -> None:
        """Print ``document`` under ``--json``, and ``renderables`` for people otherwise."""
        if self.json:
            write_json(document)
        else:
            self.show(*renderables)

    def show(self, *renderables: RenderableType) -> None:
        """Print for people; tables may be wider than the window, but break no word."""
        from provenance.toolkit.console import keep_words_whole

        for renderable in renderables:
            width = keep_words_whole(renderable, self.console)
            console = self.console if width <= self.console.width else self._console(width)
            console.print(renderable)

    def text(self, text: str) -> None:
        """Write a command's product (a manifest, a diagram) to standard output as it is."""
        # A file name in it may be any bytes; they go out as they came in.
        raw = text.encode("utf-8", "surrogateescape")
        sys.stdout.flush()
        sys.stdout.buffer.write(raw if raw.endswith(b"\n") else raw + b"\n")
        sys.stdout.buffer.flush()

    def product(self, renderable: RenderableType) -> None:
        """Print a command's product (a tree) to standard output, never cut to a width."""
        from provenance.toolkit.console import SafeConsole

        console = SafeConsole(highlight=False)
        if console.is_terminal:
            console.print(renderable)
            return
        console = SafeConsole(highlight=False, width=100_000)
        with console.capture() as capture:
            console.print(renderable)
        self.text("\n".join(line.rstrip() for line in capture.get().splitlines()))

    @contextmanager
    def progress(self) -> Iterator[ProgressCallback]:
        """Show progress on a terminal; yield a callback that does nothing elsewhere."""
        if self.quiet or self.json or not self.console.is_terminal:
            yield lambda step, done, total: None
            return
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self.console, transient=True) as bars:
            tasks: dict[str, Any] = {}

            def advance(step: str, done: int, total: int | None) -> None:
                if step not in tasks:
                    tasks[step] = bars.add_task(step, total=total)
                bars.update(tasks[step], completed=done, total=total)

            yield advance


class Facts:
    """Named facts one below the other, for :meth:`Output.show`; wrapped between words only.

    Args:
        facts: Name and fact each.
    """

    def __init__(self, facts: Iterable[tuple[str, str]]) -> None:
        self.facts = list(facts)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        """Lines of text, as Rich asks for them."""
        import textwrap

        from rich.text import Text

        indent = max((len(name) for name, _ in self.facts), default=0) + 2
        width = max(options.max_width - indent, 1)
        for name, fact in self.facts:
            lines = textwrap.wrap(
                one_line(fact), width, break_long_words=False, break_on_hyphens=False
            )
            yield Text.assemble(
                (f"{one_line(name):{indent}}", "dim"), f"\n{'':{indent}}".join(lines)
            )


class CommandLine:
    """The commands of one package.

    Args:
        distribution: The distribution whose version ``--version`` prints.
        summary: One sentence for the top of ``--help``.
    """

    def __init__(self, distribution: str, summary: str) -> None:
        self.distribution = distribution
        self.app = typer.Typer(
            help=summary,
            add_completion=False,
            no_args_is_help=True,
            pretty_exceptions_enable=False,
            rich_markup_mode=None,
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
        typer.echo(f"{self.distribution} {version(self.distribution)}")
        raise typer.Exit

    def command(
        self, *, example: str, name: str | None = None, hidden: bool = False
    ) -> Callable[[Callable[..., None]], Callable[..., None]]:
        """Register a function as a command.

        Its first parameter receives the :class:`Output`; the others become options, and
        ``--json``, ``--quiet`` and ``--version`` are added to them. A parameter whose type is a
        dataclass stands for options that several commands share: each field becomes an option,
        and the function receives the dataclass.

        Args:
            example: A command line that ``--help`` shows.
            name: The command's name; by default the function's.
            hidden: Leave the command out of ``--help``.
        """

        def register(function: Callable[..., None]) -> Callable[..., None]:
            own = _annotated(function)[1:]
            groups: dict[str, Any] = {
                p.name: p.annotation for p in own if is_dataclass(p.annotation)
            }

            def invoke(json: bool, quiet: bool, show_version: bool, **options: Any) -> None:
                if show_version:
                    self._print_version()
                for name, group in groups.items():
                    options[name] = group(**{f.name: options.pop(f.name) for f in fields(group)})
                try:
                    function(Output(json=json, quiet=quiet), **options)
                except KeyboardInterrupt as interrupt:
                    raise InterruptedCommandError from interrupt

            shared = {
                "json": _flag("--json", "Print the result as one JSON object on standard output."),
                "quiet": _flag("--quiet", "Print nothing for people but errors."),
                "show_version": self._version_flag(),
            }
            keyword = inspect.Parameter.KEYWORD_ONLY
            parameters = [
                option.replace(kind=keyword)
                for parameter in own
                for option in (
                    _annotated(parameter.annotation) if parameter.name in groups else [parameter]
                )
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
        set_invocation(self.distribution.removeprefix("moskit-"), sys.argv[1:])
        end_with_code(self.distribution, lambda: self.app(standalone_mode=False))


def _annotated(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """Return the parameters of a function or a dataclass, with annotations for strings."""
    hints = get_type_hints(function, include_extras=True)
    return [
        parameter.replace(annotation=hints[parameter.name])
        for parameter in inspect.signature(function).parameters.values()
    ]


def _flag(name: str, help_text: str) -> Any:
    return Annotated[bool, typer.Option(name, help=help_text)]

"""Where a command's words go: results, text for people, progress, times."""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from provenance.toolkit.errors import one_line
from provenance.toolkit.process.ending import write_json

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.text import Text

ProgressCallback = Callable[[str, int, int | None], None]
"""Called as ``progress(step, done, total)``; ``total`` is None where it is not known."""


class StepClock:
    """Measures the steps of a command by what it says about its progress."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._steps: dict[str, tuple[float, float]] = {}
        self._last = self._start

    def take(self, step: str, done: int, total: int | None) -> None:
        """Note that a step advanced; a :data:`ProgressCallback`."""
        now = time.perf_counter()
        begun, _ = self._steps.get(step, (self._last, now))
        self._steps[step] = (begun, now)
        self._last = now

    def report(self) -> Iterator[str]:
        """Yield the seconds of each step, then those of the whole command."""
        for step, (begun, ended) in self._steps.items():
            yield f"{step}: {ended - begun:.2f} s"
        yield f"all: {time.perf_counter() - self._start:.2f} s"


class Output:
    """Where a command's words go.

    Args:
        json: Print the result as one JSON object on standard output.
        quiet: Print nothing for people but errors.
        verbose: Print decisions and timings too, on standard error under ``json`` as well.
    """

    def __init__(self, *, json: bool = False, quiet: bool = False, verbose: bool = False) -> None:
        self.json = json
        self.quiet = quiet
        self.verbose = verbose
        self._clock = StepClock()

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
        if self.verbose or not self.json:
            self.show(*renderables)

    def show(self, *renderables: RenderableType) -> None:
        """Print for people; tables may be wider than the window, but break no word."""
        from provenance.toolkit.console import keep_words_whole, style_tables

        for renderable in renderables:
            style_tables(renderable)
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

    def show_decisions(self, decisions: Iterable[tuple[str, str]]) -> None:
        """Print where options came from that were not typed, under ``--verbose``."""
        found = list(decisions)
        if self.verbose and found:
            self.show(Facts(found))

    def show_times(self) -> None:
        """Print how long the steps took, under ``--verbose``."""
        if self.verbose:
            self.show(Facts([("time", each) for each in self._clock.report()]))

    @contextmanager
    def progress(self) -> Iterator[ProgressCallback]:
        """Show progress on a terminal; yield a callback that only takes times elsewhere."""
        if self.quiet or self.json or not self.console.is_terminal:
            yield self._clock.take
            return
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self.console, transient=True) as bars:
            tasks: dict[str, Any] = {}

            def advance(step: str, done: int, total: int | None) -> None:
                self._clock.take(step, done, total)
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

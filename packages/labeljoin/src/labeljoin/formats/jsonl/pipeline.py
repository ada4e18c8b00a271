"""Process the blocks of a file in several threads, in file order where order matters."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from itertools import count
from threading import Condition

from provenance.toolkit import processors

MOST_THREADS = 3
"""The parser holds the interpreter for half of the time: further threads would wait for it."""

Process = Callable[[int], bool]
"""Process the block of this number from the first step to the last; False at the end."""


class Pipeline:
    """Runs the steps for one block after the other in each of several threads.

    A thread keeps a block from the first byte read to the last byte written, so that the bytes stay
    near its processor. Steps within :meth:`ordered` take the blocks in file order, one at a time;
    other steps run side by side. (OpenMP uses the same word.)
    """

    def __init__(self) -> None:
        self._numbers = count()
        self._changed = Condition()
        self._next: defaultdict[str, int] = defaultdict(int)
        self._failed = math.inf
        self._error: BaseException | None = None

    def run(self, worker: Callable[[], Process]) -> None:
        """Process all blocks.

        Args:
            worker: Returns the function that processes blocks, called once for each thread.

        Raises:
            Exception: What a step raised, of the earliest block if several failed. Blocks before it
                have been processed to the end; later blocks have not entered the same step.
        """
        threads = min(processors(), MOST_THREADS)
        with ThreadPoolExecutor(threads, "block") as pool:
            try:
                wait([pool.submit(self._run, worker()) for _ in range(threads)])
            except BaseException:  # an interrupt; the threads end at their next ordered step
                self._fail(-1, None)
                raise
        error, self._error = self._error, None
        if error is not None:
            raise error

    @contextmanager
    def ordered(self, step: str, number: int) -> Iterator[None]:
        """Do a step for block ``number`` after all blocks before it."""
        with self._changed:
            self._changed.wait_for(lambda: self._failed < number or self._next[step] == number)
            if self._failed < number:
                raise _StoppedError
        yield  # if the step raises, no later block is admitted
        with self._changed:
            self._next[step] += 1
            self._changed.notify_all()

    def _run(self, process: Process) -> None:
        while True:
            number = next(self._numbers)
            try:
                if not process(number):
                    self._fail(number, None)  # the file ended, even if it grows now
                    return
            except _StoppedError:
                return
            except BaseException as error:
                self._fail(number, error)
                return

    def _fail(self, number: int, error: BaseException | None) -> None:
        with self._changed:
            if number < self._failed:
                self._failed, self._error = number, error
            self._changed.notify_all()


class _StoppedError(Exception):
    """A block before this one failed."""

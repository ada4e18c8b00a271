"""Threads that carry the blocks of a file through the same steps, in its order where it matters."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from itertools import count
from threading import Condition

from provenance.toolkit import processors

MOST_LANES = 3
"""The parser holds the interpreter for half of the time: further threads would wait for it."""

Carry = Callable[[int], bool]
"""Carries the block of this number from the first step to the last; False where there is none."""


class Lanes:
    """Runs the steps for one block after the other in each of several threads.

    A thread keeps a block from the first byte read to the last byte written, so that the bytes stay
    near its processor. Steps in a :meth:`turn` admit the blocks in their order, one at a time; the
    others run side by side. (OpenMP calls such steps ``ordered``.)
    """

    def __init__(self) -> None:
        self._numbers = count()
        self._changed = Condition()
        self._next: defaultdict[str, int] = defaultdict(int)
        self._failed = math.inf
        self._error: BaseException | None = None

    def run(self, lane: Callable[[], Carry]) -> None:
        """Carry all blocks.

        Args:
            lane: Makes what carries blocks, once for each thread.

        Raises:
            Exception: What a step raised, of the earliest block where several did. Blocks before it
                have been carried to the end, and blocks behind it have not entered the same turn.
        """
        lanes = min(processors(), MOST_LANES)
        with ThreadPoolExecutor(lanes, "lane") as pool:
            try:
                wait([pool.submit(self._run, lane()) for _ in range(lanes)])
            except BaseException:  # an interrupt; the threads end at their next turn
                self._fail(-1, None)
                raise
        error, self._error = self._error, None
        if error is not None:
            raise error

    @contextmanager
    def turn(self, step: str, number: int) -> Iterator[None]:
        """Do a step for block ``number`` after all blocks before it."""
        with self._changed:
            self._changed.wait_for(lambda: self._failed < number or self._next[step] == number)
            if self._failed < number:
                raise _StoppedError
        yield  # where the step raises, no later block is admitted
        with self._changed:
            self._next[step] += 1
            self._changed.notify_all()

    def _run(self, carry: Carry) -> None:
        while True:
            number = next(self._numbers)
            try:
                if not carry(number):
                    self._fail(number, None)  # behind the end there is nothing, whatever comes
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

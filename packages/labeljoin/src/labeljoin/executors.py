"""Where parts and tables are worked on: here, in processes, or on a Dask cluster."""

from __future__ import annotations

import multiprocessing
import os
import signal
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from provenance.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")


@contextmanager
def executor(jobs: int | None = None, scheduler: str | None = None) -> Iterator[Executor]:
    """An executor for work on parts and tables, shut down on leaving.

    Args:
        jobs: How many processes work at a time. 1 works in this process, one task after the
            other; None means 1, and one task per worker thread where ``scheduler`` is given.
        scheduler: Address of a Dask scheduler, such as ``tcp://10.0.0.1:8786``. Workers need
            the same distributions installed, and the same paths mounted.

    Yields:
        A ``concurrent.futures.Executor``. Leaving by an exception cancels what has not begun.

    Raises:
        InputError: ``jobs`` is below 1, ``scheduler`` does not answer, or Dask is not installed.
    """
    if jobs is not None and jobs < 1:
        raise InputError(f"{jobs} jobs cannot do anything", fix="Give --jobs a number from 1 up")
    if scheduler is not None:
        with _dask_executor(scheduler) as pool:
            yield pool
        return
    pool = InlineExecutor() if jobs in (None, 1) else _processes(jobs or os.cpu_count() or 1)
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=True, cancel_futures=True)
        raise
    pool.shutdown(wait=True)


class InlineExecutor(Executor):
    """Runs each task in the calling thread, at once: one job, no start-up, plain tracebacks."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Run ``fn`` and return its finished future."""
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def _processes(jobs: int) -> Executor:
    # Arrow runs threads, and a forked child inherits their locks without the threads.
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    if "forkserver" in methods:
        context.set_forkserver_preload(["labeljoin.attachment"])
    return ProcessPoolExecutor(jobs, mp_context=context, initializer=_leave_interrupts_to_parent)


def _leave_interrupts_to_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def _dask_executor(scheduler: str) -> Iterator[Executor]:
    try:
        from distributed import Client
    except ImportError:
        raise InputError(
            "Working on a cluster needs Dask, which is not installed",
            fix="Install moskit-labeljoin[dask]",
        ) from None
    try:
        client = Client(scheduler, timeout=10, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise InputError(
            f"No Dask scheduler answers at {scheduler} ({error or type(error).__name__})",
            fix="Start one with `dask scheduler` and give --scheduler the address it prints",
        ) from None
    with client:
        # Tasks write files: none may be merged with an equal one, or be called pure.
        pool = client.get_executor(pure=False)
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False)
            raise
        pool.shutdown(wait=True)

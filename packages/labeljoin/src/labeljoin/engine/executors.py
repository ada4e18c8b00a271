"""Where parts and tables are worked on: here, in processes, or on a Dask cluster."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from provenance.toolkit import InputError, redact_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from labeljoin.formats.table import Table

T = TypeVar("T")
Task = TypeVar("Task")

ANSWER_TIMEOUT = 10
"""Seconds in which a scheduler has to answer."""


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

    Examples:
        >>> with executor(1) as pool:
        ...     pool.submit(abs, -1).result()
        1
    """
    if jobs is not None and jobs < 1:
        raise InputError(
            f"{jobs} jobs cannot do anything",
            fix="Give --jobs a number from 1 up",
            code="engine.no-jobs",
        )
    if scheduler is not None:
        with _dask_executor(scheduler) as pool:
            yield pool
        return
    pool = InlineExecutor() if jobs is None or jobs == 1 else WorkerProcesses(jobs)
    try:
        yield pool
    except BaseException:
        _uninterrupted(partial(_abandon, pool))
        raise
    pool.shutdown(wait=True)


def _abandon(pool: Executor) -> None:
    if isinstance(pool, WorkerProcesses):
        pool.interrupt()
    pool.shutdown(wait=True, cancel_futures=True)


def _uninterrupted(work: Callable[[], None]) -> None:
    """Do something to its end, however often the user interrupts: signals reach no other thread."""
    thread = threading.Thread(target=work)
    thread.start()
    while thread.is_alive():
        with suppress(BaseException):
            thread.join()


open_executor = executor  # where an argument is called executor


def part_executor(
    table: Table,
    jobs: int | None = None,
    scheduler: str | None = None,
    executor: Executor | None = None,
) -> AbstractContextManager[Executor]:
    r"""Where the parts of a table are worked on: ``executor``, or what :func:`executor` opens.

    Args:
        table: The table; no more jobs are started than it has parts.
        jobs: As for :func:`executor`.
        scheduler: As for :func:`executor`.
        executor: Overrides both, and is not shut down.

    Raises:
        InputError: As :func:`executor` does.

    Examples:
        >>> from pathlib import Path
        >>> import labeljoin
        >>> _ = Path("f.csv").write_text("clip,motion\na/1.mp4,0.5\n")
        >>> with part_executor(labeljoin.open_table("f.csv")) as pool:
        ...     pool.submit(abs, -1).result()
        1
    """
    if executor is not None:
        return nullcontext(executor)
    if jobs is not None and jobs > len(table.parts):
        jobs = len(table.parts)
    return open_executor(jobs, scheduler)


def run_all(
    pool: Executor | None, work: Callable[[Task], T], tasks: Sequence[Task]
) -> Iterator[tuple[int, T]]:
    """Work on tasks, and yield their numbers and results as they are done.

    Args:
        pool: Where; here, one after the other, by default.
        work: A module-level function where ``pool`` has processes.
        tasks: What is worked on. Where one raises, those that have not begun are cancelled.
    """
    if pool is None or isinstance(pool, InlineExecutor) or len(tasks) == 1:
        for number, task in enumerate(tasks):
            yield number, work(task)
        return
    futures = {pool.submit(work, task): number for number, task in enumerate(tasks)}
    try:
        for future in as_completed(futures):
            yield futures[future], future.result()
    finally:
        for future in futures:
            future.cancel()


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


class WorkerProcesses(ProcessPoolExecutor):
    """Worker processes that end with their parent, and drop their work when it is interrupted."""

    def __init__(self, jobs: int) -> None:
        # Arrow runs threads, and a forked child inherits their locks without the threads.
        methods = multiprocessing.get_all_start_methods()
        context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
        if "forkserver" in methods:
            # What every task needs is imported once, and not by each worker.
            context.set_forkserver_preload(["labeljoin.batch.labelling"])
        super().__init__(jobs, mp_context=context, initializer=_begin_worker)

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Schedule ``fn`` in a worker."""
        return super().submit(_interruptible, fn, args, kwargs)

    def interrupt(self) -> None:
        """Let the workers abandon what they do: their outputs are withdrawn, none appears."""
        for process in multiprocessing.active_children():
            if process.pid in (self._processes or {}):
                process.terminate()


_state = {"busy": False, "leaving": False}


def _begin_worker() -> None:
    # An interrupt reaches all processes of a terminal; the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _leave(signum: int, frame: object) -> None:
    if not _state["busy"]:
        os._exit(0)
    if not _state["leaving"]:  # the pool signals too, while the work is being withdrawn
        _state["leaving"] = True
        raise KeyboardInterrupt


def _interruptible(fn: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> T:
    _state["busy"] = True
    try:
        return fn(*args, **kwargs)
    finally:
        _state["busy"] = False
        if _state["leaving"]:
            # Not back to the queue of tasks: who leaves while it waits there keeps its lock.
            os._exit(0)


@contextmanager
def _dask_executor(scheduler: str) -> Iterator[Executor]:
    try:
        from distributed import Client
    except ImportError:
        raise InputError(
            "Working on a cluster needs Dask, which is not installed",
            fix="Install moskit-labeljoin[dask]",
            code="engine.dask-missing",
        ) from None
    try:
        # A client that nobody answers cannot be closed without a wait and a traceback at the end
        # of the process, so one is made only where somebody does.
        asyncio.run(asyncio.wait_for(_asked(scheduler), ANSWER_TIMEOUT))
        client = Client(scheduler, timeout=ANSWER_TIMEOUT, set_as_default=False)
    except (OSError, ValueError, TypeError, TimeoutError, ImportError) as error:
        raise InputError(
            redact_text(
                f"No Dask scheduler answers at {scheduler!r} ({error or type(error).__name__})"
            ),
            fix="Start one with `dask scheduler` and give --scheduler the address it prints",
            code="engine.no-scheduler",
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


async def _asked(scheduler: str) -> None:
    """Ask a scheduler who it is.

    Raises:
        OSError: Nobody answers.
        ValueError: It is not an address, or what answers is no scheduler.
    """
    from distributed.core import connect
    from distributed.security import Security

    keys = Security().get_connection_args("client")
    comm = await connect(scheduler, timeout=ANSWER_TIMEOUT, **keys)
    try:
        await comm.write({"op": "identity", "reply": True})
        answer = await comm.read()
    finally:
        comm.abort()
    if not isinstance(answer, dict) or answer.get("type") != "Scheduler":
        raise ValueError("who answers there is no scheduler")

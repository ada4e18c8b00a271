"""Signals that end a command: one interrupt is raised, and all that follow are only noted.

An interrupt that comes while another is being dealt with would stop the tidying up, and one that
comes when the outputs are in their places can no longer prevent them. Both are noted and raise
nothing. Outside of a command nothing here has an effect.
"""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType
from typing import Any

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
_RETRY_SECONDS = 0.01


class _State:
    """What has happened to this process.

    Attributes:
        arrived: The number of the first signal.
        raised: Whether it was raised as KeyboardInterrupt.
        settled: Whether the outputs of a run are in their places, and no other run has begun.
    """

    arrived: int | None = None
    raised = False
    settled = False


_state = _State()


def hear_interrupts() -> None:
    """Let interrupts raise KeyboardInterrupt, the first time. Those ignored stay ignored."""
    for number in _numbers():
        # Under nohup the hang-up is ignored, and is to stay so.
        if signal.getsignal(number) not in (signal.SIG_IGN, _hear):
            signal.signal(number, _hear)
    sys.unraisablehook = _raise_again


def ignore_interrupts() -> None:
    """Ignore interrupts from now on: the command has ended, and only reports it.

    Only what :func:`hear_interrupts` hears: a program that calls a command's ``main`` keeps its own
    handlers.
    """
    for number in _numbers():
        if signal.getsignal(number) is _hear:
            signal.signal(number, signal.SIG_IGN)


def was_interrupted() -> bool:
    """Return whether a signal has come in time to prevent the outputs."""
    return _state.arrived is not None and not _state.settled


def refuse_interrupted() -> None:
    """Raise KeyboardInterrupt where a signal has come, even if somebody has swallowed its error."""
    if _state.arrived is not None:
        _state.raised = True
        raise KeyboardInterrupt


def begin_work() -> None:
    """State that a run makes outputs: signals prevent them. Raises as `refuse_interrupted`."""
    _state.settled = False
    refuse_interrupted()


def settle() -> None:
    """State that the outputs of a run are in their places: signals come too late for them."""
    if threading.current_thread() is threading.main_thread():
        _state.settled = True


def _numbers() -> list[signal.Signals]:
    return [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]


def _hear(number: int, frame: FrameType | None) -> None:
    if _state.arrived is None:
        _state.arrived = number
    if not _state.raised and not _state.settled:
        _state.raised = True
        raise KeyboardInterrupt


def _raise_again(unraisable: Any, hook: Any = sys.__unraisablehook__) -> None:
    """Raise an interrupt again that came where no error can be raised, as in a finaliser."""
    if _state.arrived is None or unraisable.exc_type is not KeyboardInterrupt:
        hook(unraisable)
        return
    _state.raised = False
    retry = threading.Timer(_RETRY_SECONDS, _send, [_state.arrived])
    retry.daemon = True
    retry.start()


def _send(number: int) -> None:
    """Signal the main thread, which may be waiting for something."""
    if sys.platform == "win32":
        signal.raise_signal(number)
    else:
        main = threading.main_thread().ident
        assert main is not None
        signal.pthread_kill(main, number)

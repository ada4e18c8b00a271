"""Blocks go side by side where they may, and in their order where they must."""

import os
import signal
import threading

import pytest
from labeljoin.formats.jsonl.lanes import Lanes

WAIT = 20


@pytest.fixture(params=[1, 2, 8])
def processors(request, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: range(request.param), raising=False)
    return request.param


def test_turns_keep_the_order(processors):
    lanes, first, second = Lanes(), [], []

    def carry(number):
        with lanes.turn("first", number):
            first.append(number)
        if number >= 300:
            return False
        with lanes.turn("second", number):
            second.append(number)
        return True

    lanes.run(lambda: carry)
    assert first[:300] == second == list(range(300))


def test_other_steps_run_side_by_side(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: range(2), raising=False)
    lanes, together = Lanes(), threading.Barrier(2, timeout=WAIT)

    def carry(number):
        with lanes.turn("first", number):
            pass
        if number >= 10:
            return False
        together.wait()
        return True

    lanes.run(lambda: carry)


def test_the_error_of_the_earliest_block_is_raised(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: range(2), raising=False)
    lanes, later_failed, written = Lanes(), threading.Event(), []

    def carry(number):
        with lanes.turn("read", number):
            pass
        if number == 7:
            later_failed.set()
            raise ValueError("block 7")
        if number == 6:
            assert later_failed.wait(WAIT)
            raise ValueError("block 6")
        with lanes.turn("write", number):
            written.append(number)
        return True

    with pytest.raises(ValueError, match="block 6"):
        lanes.run(lambda: carry)
    assert written == list(range(6))


def test_nothing_is_carried_behind_the_end(monkeypatch):
    # A file may grow after one thread has met its end, and another thread sees the new lines.
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: range(2), raising=False)
    lanes, written = Lanes(), []

    def carry(number):
        with lanes.turn("read", number):
            pass
        if number == 5:
            return False
        with lanes.turn("write", number):
            written.append(number)
        return True

    lanes.run(lambda: carry)
    assert written == list(range(5))


def test_an_interrupt_stops_every_lane(processors):
    lanes = Lanes()

    def carry(number):
        with lanes.turn("read", number):
            if number == 50:
                os.kill(os.getpid(), signal.SIGINT)
        return True

    with pytest.raises(KeyboardInterrupt):
        lanes.run(lambda: carry)

"""Blocks go side by side where they may, and in their order where they must."""

import os
import signal
import threading

import pytest
from labeljoin.formats.jsonl.pipeline import Pipeline

WAIT = 20


@pytest.fixture(params=[1, 2, 8])
def processors(request, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: range(request.param), raising=False)
    return request.param


def test_turns_keep_the_order(processors):
    pipeline, first, second = Pipeline(), [], []

    def process(number):
        with pipeline.ordered("first", number):
            first.append(number)
        if number >= 300:
            return False
        with pipeline.ordered("second", number):
            second.append(number)
        return True

    pipeline.run(lambda: process)
    assert first[:300] == second == list(range(300))


def test_other_steps_run_side_by_side(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: range(2), raising=False)
    pipeline, together = Pipeline(), threading.Barrier(2, timeout=WAIT)

    def process(number):
        with pipeline.ordered("first", number):
            pass
        if number >= 10:
            return False
        together.wait()
        return True

    pipeline.run(lambda: process)


def test_the_error_of_the_earliest_block_is_raised(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: range(2), raising=False)
    pipeline, later_failed, written = Pipeline(), threading.Event(), []

    def process(number):
        with pipeline.ordered("read", number):
            pass
        if number == 7:
            later_failed.set()
            raise ValueError("block 7")
        if number == 6:
            assert later_failed.wait(WAIT)
            raise ValueError("block 6")
        with pipeline.ordered("write", number):
            written.append(number)
        return True

    with pytest.raises(ValueError, match="block 6"):
        pipeline.run(lambda: process)
    assert written == list(range(6))


def test_nothing_is_carried_behind_the_end(monkeypatch):
    # A file may grow after one thread has met its end, and another thread sees the new lines.
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: range(2), raising=False)
    pipeline, written = Pipeline(), []

    def process(number):
        with pipeline.ordered("read", number):
            pass
        if number == 5:
            return False
        with pipeline.ordered("write", number):
            written.append(number)
        return True

    pipeline.run(lambda: process)
    assert written == list(range(5))


def test_an_interrupt_stops_every_lane(processors):
    pipeline = Pipeline()

    def process(number):
        with pipeline.ordered("read", number):
            if number == 50:
                os.kill(os.getpid(), signal.SIGINT)
        return True

    with pytest.raises(KeyboardInterrupt):
        pipeline.run(lambda: process)

"""An empty folder to work in, and the command in this process or one of its own."""

import contextlib
import gc
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from provenance.toolkit import invocation

sys.path.insert(0, str(Path(__file__).with_name("support")))  # the modules that test files share

_DESCRIPTORS = Path("/proc/self/fd")

COMMAND = [sys.executable, "-c", "from labeljoin.cli.app import main; main()"]


@dataclass
class Outcome:
    """What a command left: its exit code and what it printed."""

    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def no_file_stays_open(tmp_path):
    """Whatever happens to a table, nothing of it is left to the garbage collector to close."""
    gc.disable()
    yield
    until = time.monotonic() + 5  # Arrow's own threads let go of a table a moment after it is read
    while (held := _open_files(tmp_path)) and time.monotonic() < until:
        time.sleep(0.01)
    gc.enable()
    assert not held


def _open_files(folder):
    held = []
    for number in _DESCRIPTORS.iterdir() if _DESCRIPTORS.is_dir() else ():
        with contextlib.suppress(OSError):  # the descriptor of this listing is gone by now
            held.append(str(number.readlink()))
    return [name for name in held if name.startswith(f"{folder}/")]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder, the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def command(monkeypatch, capsys):
    """Runs ``labeljoin`` in this process, which spares the start of another."""
    from labeljoin.cli.app import main

    def run(*arguments, code=0):  # None takes any exit code
        monkeypatch.setattr(sys, "argv", ["labeljoin", *map(str, arguments)])
        # This process is no command any more when the command has ended.
        former_invocation = invocation._current
        numbers = [getattr(signal, name, None) for name in ("SIGINT", "SIGTERM", "SIGHUP")]
        former = {number: signal.getsignal(number) for number in numbers if number is not None}
        capsys.readouterr()
        try:
            with pytest.raises(SystemExit) as ended:
                main()
        finally:
            invocation._current = former_invocation
            for number, handler in former.items():
                signal.signal(number, handler)
        printed = capsys.readouterr()
        outcome = Outcome(int(ended.value.code or 0), printed.out, printed.err)
        assert code in (None, outcome.code), outcome.err
        assert "Traceback" not in outcome.err
        return outcome

    return run


@pytest.fixture
def process():
    """Starts ``labeljoin`` as a process of its own."""

    def start(*arguments, **options):
        return subprocess.Popen(
            [*COMMAND, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            **options,
        )

    return start

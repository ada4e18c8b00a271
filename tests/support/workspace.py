"""Paths, and functions to run commands, for the tests of the workspace."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("provenance", "labeljoin", "secondopinion", "signalaudit", "moshead")


@dataclass(frozen=True)
class Finished:
    """The result of a command."""

    code: int
    stdout: str
    stderr: str

    def json(self) -> Any:
        """Parse standard output, which must be one JSON object."""
        return json.loads(self.stdout)


def command_environment() -> dict[str, str]:
    """Return this process's environment, with this Python's commands first on the PATH."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return {**os.environ, "PATH": path, "OMP_NUM_THREADS": "1", "NO_COLOR": "1"}


def run_command(
    *words: object, cwd: Path | None = None, expect: int | None = 0, timeout: float = 300
) -> Finished:
    """Run a command as a user would, and check its exit code."""
    done = subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env=command_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    if expect is not None:
        assert done.returncode == expect, (
            f"{words} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        )
    return Finished(done.returncode, done.stdout, done.stderr)


def load_script(path: Path) -> Any:
    """Import a script that is not in a package."""
    specification = importlib.util.spec_from_file_location(path.stem, path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[path.stem] = module
    specification.loader.exec_module(module)
    return module

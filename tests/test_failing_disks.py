"""A disk that is full, or fails, at some write: 74 and nothing left, or all outputs.

``uv run nox -s hostile -- faults`` fails every write of every command.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import hostile
import pytest

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or shutil.which("cc") is None,
    reason="needs a C compiler, and LD_PRELOAD",
)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A folder with what a join reads, and the library that fails writes."""
    folder = tmp_path_factory.mktemp("failing")
    hostile.write_inputs(folder, clips=200)
    return folder, hostile.build_shim(folder)


@pytest.mark.parametrize("at", [1, 5, 8])
def test_a_disk_that_is_full_from_some_write_on(prepared: tuple[Path, Path], at: int) -> None:
    folder, shim = prepared
    assert hostile.fail_write(folder, shim, "join", at, hostile.ENOSPC, stays=True) == 74


@pytest.mark.parametrize("at", [1, 4, 8])
def test_a_disk_that_fails_once(prepared: tuple[Path, Path], at: int) -> None:
    folder, shim = prepared
    ended = hostile.fail_write(folder, shim, "join", at, hostile.EIO, stays=False)
    assert ended in (0, 74)  # some writes have another way: a plain copy, no way back

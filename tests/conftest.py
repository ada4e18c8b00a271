"""Fixtures: sample tables, real tables, and a working folder."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from workspace import ROOT, load_script


@pytest.fixture(scope="session")
def sample_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder ``konvid1k`` that examples/sample_data.py makes. Do not write to it."""
    sample_data = load_script(ROOT / "examples" / "sample_data.py")
    folder: Path = sample_data.write_sample_data(tmp_path_factory.mktemp("sample")).folder
    return folder


@pytest.fixture(scope="session")
def real_tables() -> Path:
    """The folder ``konvid1k`` of real tables that MOSKIT_REALDATA holds."""
    parent = os.environ.get("MOSKIT_REALDATA")
    if not parent:
        pytest.skip("MOSKIT_REALDATA does not name the folder that holds konvid1k/")
    folder = Path(parent) / "konvid1k"
    assert folder.is_dir(), f"MOSKIT_REALDATA is {parent}, which holds no konvid1k/"
    return folder


@pytest.fixture
def workplace(tmp_path: Path, sample_tables: Path) -> Path:
    """A folder with a copy of the sample tables, and nothing else."""
    shutil.copytree(sample_tables, tmp_path / "konvid1k")
    return tmp_path

"""Tables and commands that the tests of signalaudit share."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import referencing

SCHEMAS = Path(__file__).parents[3] / "docs" / "schemas"


@pytest.fixture
def write_table(tmp_path: Path) -> Callable[..., Path]:
    """Write columns as a parquet table and return its path."""

    def write(name: str = "table.parquet", **columns: Any) -> Path:
        path = tmp_path / name
        pq.write_table(pa.table(columns), path)
        return path

    return write


@pytest.fixture
def ugc() -> dict[str, Any]:
    """Columns of 400 clips: weak features, three second opinions (one a copy), noisy MOS."""
    generator = np.random.default_rng(7)
    quality = generator.normal(size=400)

    def seen(noise: float) -> np.ndarray:
        return quality + noise * generator.normal(size=400)

    mos = np.clip(3 + 0.6 * seen(0.3), 1, 5)
    columns: dict[str, Any] = {"clip_path": [f"clips/{number}.mp4" for number in range(400)]}
    columns |= {f"brisque_{number:02}": seen(2.5) for number in range(6)}
    dover = 50 + 15 * seen(0.4)
    return columns | {
        "bitrate": generator.integers(1, 9, 400) * 1000,
        "width": np.full(400, 960),
        "second_opinion_dover_score": dover,
        "second_opinion_dover_status": ["ok"] * 400,
        "second_opinion_dover_runtime_ms": generator.uniform(1, 2, 400),
        "second_opinion_dover_frames": np.full(400, 8),
        "second_opinion_dover_technical_score": 0.5 * dover + 20,
        "second_opinion_niqe_score": 8 - 2 * seen(1.0),
        "mos": mos,
        "mos_raw_0_100": 25 * (mos - 1),
        "mos_std_dev": generator.uniform(0.5, 0.9, 400),
        "mos_n_ratings": np.full(400, 40),
    }


@pytest.fixture
def run() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the signalaudit command in a process of its own."""

    def call(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "signalaudit.cli.app", *map(str, arguments)],
            capture_output=True,
            text=True,
            cwd=cwd,
            check=False,
        )

    return call


@pytest.fixture(scope="session")
def check_schema() -> Callable[[Any], None]:
    """Validate a document against the published schema that it names."""
    published = {path.name: json.loads(path.read_text("utf-8")) for path in SCHEMAS.glob("*.json")}
    registry: Any = referencing.Registry().with_resources(
        [(name, referencing.Resource.from_contents(each)) for name, each in published.items()]
    )

    def check(document: Any) -> None:
        schema = published[document["schema"] + ".json"]
        jsonschema.Draft202012Validator(schema, registry=registry).validate(document)

    return check


@pytest.fixture(scope="session")
def konvid() -> Path:
    """The folder of the real KoNViD-1k tables."""
    root = os.environ.get("MOSKIT_REALDATA")
    if not root:
        pytest.skip("MOSKIT_REALDATA is not set")
    return Path(root) / "konvid1k"

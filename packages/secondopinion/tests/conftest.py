"""What the tests of this package share."""

import json
import sys
from pathlib import Path

import jsonschema
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from referencing import Registry, Resource

sys.path.insert(0, str(Path(__file__).with_name("support")))  # the imitations beside the tests

from secondopinion_outputs import CLIPS


@pytest.fixture
def features(tmp_path: Path) -> Path:
    """A feature table of the imitations' clips, paths against their bare names."""
    path = tmp_path / "features.parquet"
    table = pa.table(
        {
            "clip_path": [f"videos/{clip}.mp4" for clip in CLIPS],
            "adm2": [0.9, 0.8, 0.7, 0.6, 0.5],
        }
    )
    pq.write_table(table, path, row_group_size=2)
    return path


@pytest.fixture
def schema():
    """A validator of a published schema, by the schema's id."""
    folder = Path(__file__).parents[3] / "docs" / "schemas"
    registry = Registry().with_resources(
        (path.name, Resource.from_contents(json.loads(path.read_text())))
        for path in folder.glob("*.json")
    )

    def validator(schema_id: str) -> jsonschema.Draft202012Validator:
        document = json.loads((folder / f"{schema_id}.json").read_text())
        return jsonschema.Draft202012Validator(document, registry=registry)

    return validator

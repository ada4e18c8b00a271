"""`secondopinion.join`: scores joined onto data frames."""

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import secondopinion
from provenance.toolkit import InputError
from secondopinion import JoinOptions

FEATURES = {"clip": ["v/a.mp4", "v/b.mp4", "v/c.mp4"], "x": [1, 2, 3]}
NIQE = {"clip": ["a", "b"], "score": [4.5, 5.5]}


@pytest.mark.parametrize("kind", [pa.table, pd.DataFrame, pl.DataFrame])
def test_scores_join_onto_any_kind_of_frame(kind):
    features = kind(FEATURES)
    joined = secondopinion.join(features, {"niqe": kind(NIQE)})
    assert type(joined.table) is type(features)
    table = pa.table(joined.table)
    assert table["x"].to_pylist() == [1, 2, 3]
    assert table["second_opinion_niqe_score"].to_pylist() == [4.5, 5.5, None]
    assert table["second_opinion_niqe_status"].to_pylist() == ["ok", "ok", "missing"]
    assert table["second_opinion_niqe_source"].to_pylist() == ["niqe", "niqe", None]
    assert "of 3 rows have a score of every scorer" in joined._repr_html_()


def test_memory_and_disk_say_the_same(tmp_path):
    pq.write_table(pa.table(FEATURES), tmp_path / "f.parquet")
    pd.DataFrame(NIQE).to_csv(tmp_path / "niqe.csv", index=False)
    scores = f"niqe={tmp_path / 'niqe.csv'}"
    on_disk = secondopinion.join_file(
        tmp_path / "f.parquet",
        [scores],
        tmp_path / "o.parquet",
        JoinOptions(missing="drop"),
    )
    in_memory = secondopinion.join(pa.table(FEATURES), [scores], JoinOptions(missing="drop"))
    assert in_memory.table.equals(pq.read_table(tmp_path / "o.parquet"))
    own = {"feature_table", "output", "engine", "engine_reason", "run_provenance", "content_sha256"}
    for member in set(on_disk) - own:
        assert dict(in_memory.audit)[member] == dict(on_disk)[member], member


def test_a_policy_and_a_collision_are_refused():
    features = pl.DataFrame(FEATURES)
    with pytest.raises(secondopinion.MissingScoresError) as caught:
        secondopinion.join(features, {"niqe": pa.table(NIQE)}, JoinOptions(missing="fail"))
    assert caught.value.document is not None
    assert caught.value.document["status"] == "failed"
    once = secondopinion.join(features, {"niqe": pa.table(NIQE)}).table
    with pytest.raises(InputError, match="second_opinion_niqe_score"):
        secondopinion.join(once, {"niqe": pa.table(NIQE)})
    again = secondopinion.join(once, {"niqe": pa.table(NIQE)}, JoinOptions(overwrite=True)).table
    assert again.columns == once.columns

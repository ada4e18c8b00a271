"""Training by command, by real processes; and training runs by their documents."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import jsonschema
import moshead
import numpy as np
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from moshead.gate import statistics
from provenance.toolkit import InputError

SCHEMAS = Path(__file__).resolve().parents[3] / "docs" / "schemas"


def command(*words, **options):
    return subprocess.run(
        [sys.executable, "-m", "moshead", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        **options,
    )


def validate(document, name):
    jsonschema.validate(document, json.loads((SCHEMAS / f"{name}.json").read_text("utf-8")))


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_schema_that_does_not_exist_is_told_from_a_file(tmp_path):
    told = command("train", "t.csv", "--feature-schema", "konvid", "--model-id", "x", cwd=tmp_path)
    assert told.returncode == 2
    assert "there is no feature schema 'konvid'" in told.stderr
    assert "konvid-v1, chug-hdr-wide-v1" in told.stderr


@pytest.mark.parametrize("flag", ["--feature-schema", "--model-id"])
def test_what_a_head_cannot_do_without_is_asked_for(tmp_path, flag):
    given = {"--feature-schema": "konvid-v1", "--model-id": "x"}
    del given[flag]
    (name, value), *_ = given.items()
    done = command("train", "--features", "t.parquet", name, value, cwd=tmp_path)
    assert done.returncode == 2
    assert f"{flag} is needed" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_no_label_ends_with_one_sentence_code_2_and_no_file(
    tmp_path, write_table, labelled_columns
):
    table = write_table(labelled_columns() | {"mos": [None] * 120})
    before = files(tmp_path)
    run = command("train-konvid", "--feature-parquet", table)
    assert run.returncode == 2
    assert run.stdout == ""
    assert run.stderr.startswith("error: ")
    assert "none of 120 rows has a MOS" in run.stderr
    assert run.stderr.count("\n") == 1
    assert files(tmp_path) == before


def test_the_result_is_one_json_object(tmp_path, write_table, labelled_columns):
    table = write_table(labelled_columns())
    run = command(
        "train", "--features", table, "--feature-schema", "konvid-v1", "--model-id", "h",
        "--epochs", "2", "--seeds", "2", "--other-partitions", "1",
        "--out-oof", "oof.csv", "--json",
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    document = json.loads(run.stdout)
    assert document == json.loads(Path("model/h.json").read_text("utf-8"))
    assert document["run_provenance"]["argv"][0] == "train"
    rows = pyarrow.csv.read_csv("oof.csv").to_pylist()
    for row in rows[:50]:
        validate(row, "mos-oof-row-v1")


def test_an_interrupt_leaves_nothing(tmp_path, write_table, labelled_columns):
    table = write_table(labelled_columns(3000))
    before = files(tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-m", "moshead", "train", "--features", str(table), "--feature-schema",
         "konvid-v1", "--model-id", "h", "--recipe", "mlp", "--epochs", "100000"],
        stderr=subprocess.PIPE,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    # The lock of a staged output would be the first file; training starts before any is made.
    while time.monotonic() < deadline and not _trains(process.pid):
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, words = process.communicate(timeout=120)
    assert process.returncode == 130, words
    assert b"Interrupted" in words
    assert files(tmp_path) == before


def _trains(pid):
    """Whether the process has loaded torch's kernels, which it does to train."""
    try:
        return "libtorch_cpu" in Path(f"/proc/{pid}/maps").read_text("utf-8")
    except OSError:
        return False


def test_plans_and_schemas_follow_their_schemas():
    plan = moshead.plan_gate(plcc=0.9, clips=1200, ratings=5, rating_sd=0.7, mos_sd=0.64)
    validate(plan, "mos-gate-plan-v1")
    run = command("schemas", "--json")
    validate(json.loads(run.stdout), "mos-feature-schemas-v1")
    run = command("gate-plan", "--plcc", "0.9", "--json")
    validate(json.loads(run.stdout), "mos-gate-plan-v1")
    assert command("gate-plan", "--plcc", "1.5").returncode == 2


def test_custom_schemas_follow_theirs(tmp_path):
    import tomllib

    text = 'id = "x-v1"\ncolumns = ["a_*"]\nrequired = true\n[fill]\na_1 = 0.5\n'
    validate(tomllib.loads(text), "mos-feature-schema-v1")
    (tmp_path / "x.toml").write_text(text)
    moshead.features.load_schema(tmp_path / "x.toml")


def test_every_gated_number_can_be_recomputed_from_the_out_of_fold_file(
    tmp_path, write_table, labelled_columns, quick
):
    places = moshead.Destinations(oof=tmp_path / "oof.parquet")
    gate = moshead.train(
        [write_table(labelled_columns())],
        "konvid-v1",
        "h",
        training=replace(quick, seeds=3),
        destinations=places,
    )["gate"]
    table = pq.read_table(tmp_path / "oof.parquet").to_pydict()
    columns = {name: np.array(values) for name, values in table.items()}
    scores = {}
    for fold in range(5):
        for seed in set(columns["seed"]):
            rows = (columns["fold"] == fold) & (columns["seed"] == seed)
            pair = columns["mos"][rows], columns["mos_pred"][rows]
            scores[fold, seed] = [f(*pair) for f in (statistics.plcc, statistics.srocc)] + [
                statistics.rmse(*pair)
            ]
    means = np.mean(list(scores.values()), axis=0)
    expected = (gate["mean_plcc"], gate["mean_srocc"], gate["mean_rmse"])
    assert means == pytest.approx(expected, abs=1e-6)
    by_seed = [
        np.mean([scores[fold, seed][0] for fold in range(5)]) for seed in set(columns["seed"])
    ]
    assert max(by_seed) - min(by_seed) == pytest.approx(gate["plcc_spread"], abs=2e-6)
    assert sorted(columns["key"]) == sorted(np.repeat(sorted(set(columns["key"])), 3))


def test_a_split_is_honoured_and_test_is_never_touched(write_table, labelled_columns, quick):
    columns = labelled_columns(200)
    columns["split"] = ["train"] * 120 + ["val"] * 40 + ["test"] * 40
    first = moshead.train([write_table(columns)], "konvid-v1", "h", training=quick)
    # Whatever the test rows say, the head is the same.
    columns["mos"][160:] = columns["mos"][160:][::-1]
    columns["adm2"][160:] = [0.1] * 40
    second = moshead.train([write_table(columns)], "konvid-v1", "h", training=quick)
    for document in (first, second):
        assert document["folds"]["kind"] == "split"
        assert document["folds"]["sizes"] == [{"train": 120, "held_out": 40}]
        assert len({score["seed"] for score in document["gate"]["fold_scores"]}) == 2
        assert document["training_recipe"]["n_rows"] == 120
    assert first["gate"] == second["gate"]
    assert first["feature_mean"] == second["feature_mean"]


def test_gaps_are_counted_over_the_rows_that_train(write_table, labelled_columns, quick):
    columns = labelled_columns(200)
    columns["split"] = ["train"] * 120 + ["val"] * 40 + ["test"] * 40
    for row in (3, 130, 170, 180):
        columns["motion2"][row] = float("nan")
    document = moshead.train([write_table(columns)], "konvid-v1", "h", training=quick)
    assert document["corpus"]["imputed"] == {"motion2": 1}
    assert any("motion2 (1 of 120)" in note for note in document["notes"])


def test_groups_are_folded_whole_and_counted(write_table, labelled_columns, quick, tmp_path):
    columns = labelled_columns() | {"content": [f"c{row % 12}" for row in range(120)]}
    document = moshead.train(
        [write_table(columns)],
        "konvid-v1",
        "h",
        group_column="content",
        training=quick,
        destinations=moshead.Destinations(oof=tmp_path / "oof.parquet"),
    )
    assert document["folds"]["kind"] == "group-k-fold"
    assert document["corpus"]["groups"] == 12
    assert document["gate"]["ci_unit"] == "groups"
    rows = pq.read_table(tmp_path / "oof.parquet").to_pylist()
    folds: dict[str, set[int]] = {}
    for row in rows:
        folds.setdefault(row["group"], set()).add(row["fold"])
    assert all(len(each) == 1 for each in folds.values())


def test_fewer_groups_than_folds_are_refused(write_table, labelled_columns, quick):
    columns = labelled_columns() | {"content": [f"c{row % 4}" for row in range(120)]}
    with pytest.raises(InputError, match="4 groups cannot fill 5 folds"):
        moshead.train(
            [write_table(columns)], "konvid-v1", "h", group_column="content", training=quick
        )


def chug_columns(labelled_columns):
    columns = labelled_columns(120)
    columns["chug_video_id"] = [f"{row:032x}" for row in range(120)]
    columns["chug_content_name"] = [f"content{row // 6}" for row in range(120)]
    columns["chug_bitrate_label"] = [f"{row % 6 + 1}M" for row in range(120)]
    columns["corpus"] = ["chug"] * 120
    return columns


def test_chug_shards_train_an_hdr_head(labelled_columns, quick):
    folder = Path(".corpus/chug/training/fr_canonical_shards/output")
    folder.mkdir(parents=True)
    columns = chug_columns(labelled_columns)
    rows = [{name: values[row] for name, values in columns.items()} for row in range(120)]
    for shard in range(2):
        text = "\n".join(json.dumps(row) for row in rows[shard * 60 : shard * 60 + 60])
        (folder / f"shard_{shard:02d}.features.jsonl").write_text(text)
    document = moshead.train_chug_hdr(training=quick)
    assert files(Path(".workingdir2/chug")) == [
        "chug_hdr_mos_head_v1.json",
        "chug_hdr_mos_head_v1.onnx",
        "chug_hdr_mos_head_v1_card.md",
        "chug_hdr_mos_head_v1_card.png",
    ]
    assert document["feature_schema"] == "chug-hdr-wide-v1"
    assert document["corpus"]["groups"] == 20
    assert document["fill"]["duration_s_norm"] == 1.0
    assert document["fill"]["chug_bitrate_mbps"] == 0.0
    block = document["run_provenance"]
    assert "train-chug-hdr" in json.dumps(block["entrypoint"])
    assert block["shared_trainer"]["path"] == "moshead/training/trainers.py"
    card = Path(".workingdir2/chug/chug_hdr_mos_head_v1_card.md").read_text("utf-8")
    assert "HDR" in card
    assert any("HDR" in note for note in document["notes"])


def test_a_display_profile_selects_the_display_schema(labelled_columns, write_table, quick):
    Path("display.json").write_text('{"display": {"peak_nits": 1000, "black_nits": 0.005}}')
    document = moshead.train_chug_hdr(
        feature_parquet=[write_table(chug_columns(labelled_columns))],
        display_profile_json="display.json",
        training=quick,
    )
    assert document["feature_schema"] == "chug-hdr-display-v1"
    assert "display_peak_luminance_nits_norm" in document["corpus"]["constant_columns"]


def test_an_ensemble_is_judged_as_it_ships(write_table, labelled_columns, quick):
    document = moshead.train(
        [write_table(labelled_columns())],
        "konvid-v1",
        "h",
        training=replace(quick, recipe="mlp", ensemble=3),
    )
    assert document["n_nets"] == 3
    assert document["training_recipe"]["ensemble"] == 3


def test_one_seed_has_no_spread_and_cannot_pass(write_table, labelled_columns, quick):
    document = moshead.train(
        [write_table(labelled_columns(400, noise=0.05))],
        "konvid-v1",
        "h",
        training=replace(quick, seeds=1),
    )
    assert document["gate"]["plcc_spread"] is None
    assert document["gate"]["mean_plcc"] > 0.9
    assert document["gate"]["status"] == "Proposed"


@pytest.mark.parametrize(
    ("option", "value"),
    [("k_folds", 1), ("seeds", 0), ("epochs", 0), ("ensemble", 0), ("seed", -1)],
)
def test_options_that_mean_nothing_are_refused(write_table, labelled_columns, option, value):
    training = replace(moshead.TrainingOptions(), **{option: value})
    with pytest.raises(InputError, match=f"--{option.replace('_', '-')}"):
        moshead.train([write_table(labelled_columns())], "konvid-v1", "h", training=training)


def test_an_unknown_option_is_refused():
    with pytest.raises(TypeError, match="'smok'"):
        moshead.train_konvid(smok=True)  # type: ignore[call-arg]


def test_the_model_id_names_files(write_table, labelled_columns, quick):
    with pytest.raises(InputError, match="model id"):
        moshead.train([write_table(labelled_columns())], "konvid-v1", "a/b", training=quick)


def test_an_output_that_is_an_input_is_refused(write_table, labelled_columns, quick):
    table = write_table(labelled_columns())
    with pytest.raises(InputError):
        moshead.train(
            [table],
            "konvid-v1",
            "h",
            training=quick,
            destinations=moshead.Destinations(oof=table),
        )
    assert pq.read_table(table).num_rows == 120


def test_progress_is_told(write_table, labelled_columns, quick):
    told = []
    moshead.train(
        [write_table(labelled_columns())],
        "konvid-v1",
        "h",
        training=quick,
        progress=lambda step, done, total: told.append((step, done, total)),
    )
    assert ("folds by seeds", 5, 5) in told
    assert ("head", 1, 1) in told


def test_importing_and_help_are_light():
    code = (
        "import sys, moshead, moshead.cli.app; "
        "sys.exit(bool({'torch', 'pandas', 'numpy', 'pyarrow'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

"""The twin control finds rows of one clip on both sides of a fold, and leaves sound runs alone."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import moshead
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from moshead.corpus.folds import joined_units, partition
from moshead.gate.contents import content_groups, key_stems
from moshead.gate.control import twin_control
from moshead.gate.twins.search import search_twins

DATA = os.environ.get("MOSKIT_REALDATA")


def judge(features, mos, *, units=None, keys=None, seed=0, standard_error=None):
    units = np.arange(len(mos)) if units is None else units
    folds = partition(units, 5, seed, grouped=False).folds
    search = search_twins(
        features,
        mos,
        [fold.held_out for fold in folds],
        units,
        standard_error=standard_error,
        seed=seed,
    )
    return twin_control(
        search,
        features,
        keys=keys or [f"k{row}" for row in range(len(mos))],
        columns=[f"f{column}" for column in range(features.shape[1])],
    )


def clips(rng, rows, width, *, signal=1.0, step=None, noise=0.4):
    """Features of clips that share quality and a few latent causes, and noisy labels."""
    quality = rng.normal(size=rows)
    causes = np.column_stack([quality * signal, rng.normal(size=(rows, 4))])
    features = causes @ rng.normal(size=(5, width)) + rng.normal(size=(rows, width))
    mos = np.clip(3 + 0.65 * quality + noise * rng.normal(size=rows), 1, 5)
    return features, mos if step is None else np.round(mos / step) * step


def repeated(rng, features, mos, times, jitter):
    rows = np.repeat(np.arange(len(mos)), times)
    shaken = features[rows] + jitter * features.std(axis=0) * rng.normal(
        size=(len(rows), features.shape[1])
    )
    return shaken, mos[rows], rows


@pytest.mark.parametrize("step", [None, 0.1, 0.5])
@pytest.mark.parametrize(
    ("rows", "times", "width", "jitter"),
    [(60, 25, 40, 0.3), (60, 4, 40, 0.2), (150, 8, 6, 0.05), (200, 4, 11, 0.1), (600, 2, 60, 0.1)],
)
def test_rows_of_one_clip_under_different_keys_are_found(rows, times, width, jitter, step):
    rng = np.random.default_rng(rows + times)
    features, mos = clips(rng, rows, width, step=step)
    features, mos, clip = repeated(rng, features, mos, times, jitter)
    keys = [f"c{number}_frame{row}.png" for row, number in enumerate(clip)]
    found = judge(features, mos, keys=keys)
    assert not found.passed
    assert found.statistic >= found.bound
    assert found.effect > 0.5
    assert found.evidence[0].kind == "keys"
    assert len(set(key_stems(found.evidence[0].names[:2]))) == 1


def test_frames_of_known_clips_with_random_labels_pass():
    rng = np.random.default_rng(5)
    features, _ = clips(rng, 60, 40, signal=0)
    features, mos, clip = repeated(rng, features, rng.uniform(1, 5, 60), 25, 0.3)
    assert judge(features, mos, units=clip).passed
    assert not judge(features, mos).passed


@pytest.mark.parametrize("share", [0.1, 0.3])
@pytest.mark.parametrize("shift", [0.0, 1e-9])
def test_some_copies_under_other_keys_are_found_and_shown(share, shift):
    rng = np.random.default_rng(2)
    features, mos = clips(rng, 600, 30, step=0.1)
    copied = rng.permutation(600)[: int(600 * share)]
    again = features[copied].copy()
    again[:, 0] += shift
    found = judge(np.vstack([features, again]), np.concatenate([mos, mos[copied]]))
    assert not found.passed
    assert any(e.kind == "copies" and "same feature values" in e.text for e in found.evidence)


def test_copies_are_found_where_labels_are_too_coarse_for_twins():
    rng = np.random.default_rng(3)
    features, mos = clips(rng, 600, 30, step=1.0)
    copied = np.arange(80)
    found = judge(np.vstack([features, features[copied]]), np.concatenate([mos, mos[copied]]))
    assert (found.passed, found.kind) == (False, "copies")


def test_the_standard_error_tells_clips_apart_where_mos_are_coarse():
    rng = np.random.default_rng(4)
    features, mos = clips(rng, 300, 60, signal=3, step=1.0, noise=0.1)
    features, mos, clip = repeated(rng, features, mos, 2, 0.5)
    error = rng.uniform(0.1, 0.3, 300)[clip]
    assert not judge(features, mos, standard_error=error).passed


def test_a_column_that_identifies_the_clip_is_named():
    rng = np.random.default_rng(6)
    clip = np.repeat(np.arange(200), 4)
    mos = rng.uniform(1, 5, 200)[clip]
    features = np.column_stack([rng.normal(size=(800, 60)), rng.permutation(5000)[:200][clip]])
    found = judge(features, mos)
    assert not found.passed
    assert any(e.kind == "column" and e.names == ("f60",) for e in found.evidence)


def test_a_rounded_copy_of_the_label_is_named():
    rng = np.random.default_rng(7)
    features, mos = clips(rng, 500, 20)
    found = judge(np.column_stack([features, np.round(mos, 1)]), mos)
    assert (found.passed, found.kind) == (False, "copied-label")
    assert "f20" in found.reason


def test_sound_runs_pass():
    """200 of the sound runs that docs/concepts/the-gate.md counts."""
    failed = []
    for seed in range(200):
        rng = np.random.default_rng(50_000 + seed)
        rows, width = int(rng.choice([60, 120, 300])), int(rng.choice([3, 6, 12]))
        step = [None, 0.01, 0.1, 0.2, 0.5, 1.0][rng.integers(6)]
        features, mos = clips(
            rng, rows, width, signal=rng.choice([0, 1, 3]), step=step, noise=rng.choice([0.1, 0.5])
        )
        units = np.arange(rows)
        if rng.random() < 0.3:
            features, mos, units = repeated(rng, features, mos, 4, rng.choice([0.05, 0.5]))
        if rng.random() < 0.2:
            features = np.round(features)
        if not judge(features, mos, units=units, seed=seed).passed:
            failed.append(seed)
    assert not failed


@pytest.mark.skipif(DATA is None, reason="needs MOSKIT_REALDATA")
@pytest.mark.parametrize("columns", ["all", "videval"])
@pytest.mark.parametrize("corpus", ["konvid1k", "livevqc"])
def test_public_corpora_pass_for_every_seed(corpus, columns):
    features, mos = public(corpus, columns)
    assert all(judge(features, mos, seed=seed).passed for seed in range(20))
    coarse = np.round(mos / 0.2) * 0.2
    assert all(judge(features, coarse, seed=seed).passed for seed in range(5))


def public(corpus, columns):
    folder = Path(str(DATA)) / corpus
    table = pq.read_table(folder / "features.parquet")
    stems = [Path(path).stem for path in table.column("clip_path").to_pylist()]
    key, label = ("flickr_id", "mos") if corpus == "konvid1k" else ("File", "MOS")
    with (folder / "labels.csv").open(encoding="utf-8-sig") as lines:
        mos = {Path(row[key]).stem: float(row[label]) for row in csv.DictReader(lines)}
    names = [
        field.name
        for field in table.schema
        if pa.types.is_floating(field.type) and (columns == "all" or columns in field.name)
    ]
    features = np.column_stack([table.column(name).to_numpy() for name in names])
    return features, np.array([mos[stem] for stem in stems])


def versions(rng, contents=60, each=7):
    """Contents in versions with MOS of their own, and features that know the content."""
    know = np.repeat(rng.normal(size=(contents, 12)), each, axis=0)
    level = np.tile(np.linspace(-1, 1, each), contents)
    own = np.repeat(rng.normal(size=contents), each)
    mos = np.clip(3 + 0.4 * own + 0.5 * level + 0.05 * rng.normal(size=len(own)), 1, 5)
    features = np.column_stack([know + 0.01 * rng.normal(size=know.shape), level])
    return features, mos, np.repeat(np.arange(contents), each)


def search(features, mos):
    units = np.arange(len(mos))
    folds = partition(units, 5, 0, grouped=False).folds
    return search_twins(features, mos, [fold.held_out for fold in folds], units)


def test_versions_of_one_content_are_found_in_keys():
    features, mos, content = versions(np.random.default_rng(8))
    keys = [f"scene{c:02d}_{(360, 720)[n % 2]}p_{n}k.mp4" for n, c in enumerate(content)]
    found = content_groups(keys, search(features, mos))
    assert found is not None
    assert (found.source, found.groups, found.clips) == ("keys", 60, 420)
    assert found.nearest_share > 0.9
    assert "--group-column" in found.sentence
    together = joined_units(np.arange(420), found.names)
    assert (np.bincount(together) == 7).all()


def test_a_column_of_contents_is_preferred_and_keys_without_contents_are_left_alone():
    features, mos, content = versions(np.random.default_rng(9))
    keys = [f"clip{row}" for row in range(420)]
    assert content_groups(keys, search(features, mos)) is None
    found = content_groups(
        keys, search(features, mos), {"content_name": [f"c{number}" for number in content]}
    )
    assert found is not None
    assert (found.source, found.column) == ("column", "content_name")
    assert "--group-column content_name" in found.sentence


def test_keys_that_share_a_category_are_no_contents():
    rng = np.random.default_rng(10)
    features, mos = clips(rng, 400, 20)
    keys = [f"{('Animation', 'Sports', 'Vlog')[n % 3]}_{n // 40}80P-{n:04x}" for n in range(400)]
    assert content_groups(keys, search(features, mos)) is None


def train(path, tmp_path, **options):
    schema = tmp_path / "s.toml"
    schema.write_text('id = "s"\ncolumns = ["f*"]\n', encoding="utf-8")
    return moshead.train(
        [path],
        schema,
        "head",
        training=moshead.TrainingOptions(epochs=4, seeds=2, other_partitions=1),
        destinations=moshead.Destinations(export=False, manifest=tmp_path / "head.json"),
        **options,
    )


def test_a_head_with_twins_is_proposed_whatever_its_figures(tmp_path):
    rng = np.random.default_rng(11)
    features, _ = clips(rng, 60, 40, signal=0)
    features, mos, _ = repeated(rng, features, rng.uniform(1.3, 4.7, 60), 12, 0.1)
    columns = {"clip_id": [f"x{row:05d}" for row in rng.permutation(len(mos))], "mos": mos}
    columns |= {f"f{n:02d}": values for n, values in enumerate(features.T)}
    pq.write_table(pa.table(columns), tmp_path / "frames.parquet")
    manifest = train(tmp_path / "frames.parquet", tmp_path)
    assert manifest["gate"]["mean_plcc"] > 0.85
    assert manifest["gate"]["status"] == "Proposed"
    assert not manifest["control"]["passed"]
    assert "twin" in manifest["gate"]["sentence"]
    assert manifest["control"]["reason"] in (tmp_path / manifest["card"]).read_text()


def test_contents_are_reported_with_their_own_score_and_decide(tmp_path):
    features, mos, content = versions(np.random.default_rng(12))
    columns = {"clip_id": [f"v{row}" for row in range(420)], "mos": mos}
    columns |= {"content_name": [f"scene {number}" for number in content]}
    columns |= {f"f{n:02d}": values for n, values in enumerate(features.T)}
    pq.write_table(pa.table(columns), tmp_path / "versions.parquet")
    manifest = train(tmp_path / "versions.parquet", tmp_path)
    contents = manifest["contents"]
    assert contents["column"] == "content_name"
    assert contents["grouped"]["mean_plcc"] < contents["ungrouped"]["mean_plcc"] - 0.1
    assert manifest["gate"]["status"] == "Proposed"
    assert "--group-column content_name" in (tmp_path / manifest["card"]).read_text()
    again = train(tmp_path / "versions.parquet", tmp_path, group_column="content_name")
    assert again["contents"] is None
    assert again["gate"]["mean_plcc"] == pytest.approx(contents["grouped"]["mean_plcc"], abs=0.05)

"""Make sample tables in the layout of KoNViD-1k, with typical faults.

The tables contain no real clips or ratings. Each clip has six hidden traits. Its MOS is a weighted
sum of them plus rater noise. The feature columns depend on the first four traits, through noise and
a nonlinear function. Only the DOVER branches depend on the last two, which stand for the content of
the clip. So a head behaves as on real tables: it misses the gate without second opinions and passes
with them, and no single column predicts MOS well.

Run ``python examples/sample_data.py DIR`` to write ``DIR/konvid1k/``.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

TRAITS = 6
SEEN_BY_FEATURES = 4
LABEL_HEADER = "flickr_id,mos,width,height,pixfmt,framerate,nb_frames,bitdepth,bitrate"
DOVER_HEADER = "path, aesthetic score, technical score, overall/final score"


@dataclass(frozen=True)
class SampleData:
    """The folder of the sample tables, and the faults in them.

    Attributes:
        folder: The folder ``konvid1k``.
        clips: Rows of the feature table.
        missing_labels: Clips of the feature table without a label.
        stale_labels: Labels without a clip in the feature table.
        missing_dover: Clips that DOVER did not score.
        bad_niqe: Clips for which NIQE wrote ``nan``.
        nan_features: Feature values that are NaN.
    """

    folder: Path
    clips: int
    missing_labels: int
    stale_labels: int
    missing_dover: int
    bad_niqe: int
    nan_features: int


def write_sample_data(parent: Path, *, clips: int = 1_000, seed: int = 20_260_508) -> SampleData:
    """Write ``parent/konvid1k/`` with features, labels and scores.

    Args:
        parent: An existing folder.
        clips: How many rows the feature table gets, at least 100.
        seed: The same seed gives the same bytes.

    Returns:
        The folder of the tables, and the faults in them.
    """
    random = np.random.default_rng(seed)
    folder = parent / "konvid1k"
    (folder / "scores").mkdir(parents=True, exist_ok=True)

    stale = 14
    ids = _clip_ids(random, clips + stale)
    traits = random.standard_normal((clips + stale, TRAITS))
    quality = traits @ np.array([0.55, 0.42, 0.34, 0.26, 0.46, 0.34])
    rated = quality + 0.3 * random.standard_normal(len(ids))
    # The mean of fifty ratings on a five-point scale is a multiple of 0.02.
    mos = np.clip(np.round((3.05 + 0.62 * rated) * 50) / 50, 1.08, 4.92)
    geometry = _geometry(random, traits)

    features = _features(random, traits[:clips])
    nan_features = 3
    for row in random.choice(clips, nan_features, replace=False):
        features["videval_20"][row] = np.nan
    _write_features(folder / "features.parquet", ids[:clips], features, geometry, random)

    missing_labels = 9
    labelled = random.permutation(np.arange(missing_labels, clips + stale))
    _write_labels(folder / "labels.csv", ids, mos, geometry, labelled)

    missing_dover, bad_niqe = 4, 1
    branches = _dover_branches(random, traits[:clips])
    scored = random.permutation(clips)[missing_dover:]
    _write_dover(folder / "scores", ids, branches, scored)
    _write_niqe(folder / "scores" / "niqe.csv", ids[:clips], traits, random, bad_niqe)
    return SampleData(
        folder, clips, missing_labels, stale, missing_dover, bad_niqe, nan_features=nan_features
    )


def _clip_ids(random: np.random.Generator, count: int) -> list[str]:
    """Return distinct numbers of 9 to 11 digits, like Flickr ids."""
    numbers = np.unique(random.integers(250_000_000, 12_900_000_000, size=2 * count))
    return [str(number) for number in random.permutation(numbers)[:count]]


def _geometry(random: np.random.Generator, traits: np.ndarray) -> dict[str, np.ndarray]:
    count = len(traits)
    framerate = random.choice([23.976, 24.0, 25.0, 29.97, 30.0], size=count)
    return {
        "width": np.full(count, 960),
        "height": np.full(count, 540),
        "framerate": framerate,
        "nb_frames": np.round(framerate * 8).astype(np.int64),
        # The second trait is low compression.
        "bitrate": np.exp(13.8 + 0.5 * traits[:, 1] + 0.4 * random.standard_normal(count))
        .round()
        .astype(np.int64),
    }


def _features(random: np.random.Generator, traits: np.ndarray) -> dict[str, np.ndarray]:
    """Return 60 columns that depend on three traits each, and 36 that depend on two.

    All of them also depend on content that is unrelated to quality, so the errors of one clip's
    features are correlated.
    """
    content = random.standard_normal((len(traits), 12))
    columns: dict[str, np.ndarray] = {}
    for prefix, count, seen in (("videval", 60, 3), ("brisque", 36, 2)):
        for number in range(count):
            which = random.choice(SEEN_BY_FEATURES, size=seen, replace=False)
            mixed = traits[:, which] @ random.normal(0, 1, size=seen)
            mixed = mixed + content @ random.normal(0, 0.5, size=content.shape[1])
            mixed = mixed + 0.3 * random.standard_normal(len(traits))
            scale = 10 ** random.uniform(-3, 1.5)
            bend = random.integers(3)
            if bend == 0:
                values = np.exp(0.6 * mixed)
            elif bend == 1:
                values = 1 / (1 + np.exp(-mixed))
            else:
                values = mixed
            columns[f"{prefix}_{number:02d}"] = values * scale
    return columns


def _dover_branches(random: np.random.Generator, traits: np.ndarray) -> dict[str, np.ndarray]:
    """Return two scores per clip, each with its own weights of the traits, plus noise."""
    aesthetic = traits @ np.array([0.45, 0.30, 0.36, 0.22, 0.58, 0.42])
    technical = traits @ np.array([0.58, 0.52, 0.32, 0.30, 0.32, 0.22])
    return {
        "aesthetic": aesthetic + 0.52 * random.standard_normal(len(traits)),
        "technical": technical + 0.52 * random.standard_normal(len(traits)),
    }


def _write_features(
    path: Path,
    ids: list[str],
    features: dict[str, np.ndarray],
    geometry: dict[str, np.ndarray],
    random: np.random.Generator,
) -> None:
    clips = len(ids)
    paths = [f"KoNViD_1k_videos/{clip}.mp4" for clip in ids]
    columns = {"clip_path": pa.array(paths, pa.large_string())}
    columns |= {name: pa.array(values) for name, values in features.items()}
    columns |= {name: pa.array(values[:clips]) for name, values in geometry.items()}
    table = pa.table(columns).take(random.permutation(clips))
    pq.write_table(table, path, row_group_size=-(-clips // 2))


def _write_labels(
    path: Path,
    ids: list[str],
    mos: np.ndarray,
    geometry: dict[str, np.ndarray],
    rows: np.ndarray,
) -> None:
    lines = [LABEL_HEADER]
    lines += [
        f"{ids[row]},{mos[row]:.10f},{geometry['width'][row]},{geometry['height'][row]},yuv420p,"
        f"{geometry['framerate'][row]:.14g},{geometry['nb_frames'][row]},8,{geometry['bitrate'][row]}"
        for row in rows
    ]
    lines.append(lines[1])  # a repeated label
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _write_dover(
    folder: Path, ids: list[str], branches: dict[str, np.ndarray], rows: np.ndarray
) -> None:
    aesthetic, technical = branches["aesthetic"], branches["technical"]
    overall = 0.39 * aesthetic + 0.61 * technical
    csv = [DOVER_HEADER]
    jsonl = []
    for row in rows:
        a, t, o = (100 / (1 + np.exp(-score[row])) for score in (aesthetic, technical, overall))
        csv.append(f"../datasets/KoNViD_1k_videos/{ids[row]}.mp4, {a:4f}, {t:4f},{o:4f}")
        for branch, scores in branches.items():
            # DOVER's branches write small numbers around zero, before the logistic function.
            score = float(0.08 * scores[row] - 0.05)
            entry = {
                "competitor": f"dover-branch-{branch}",
                "filename": f"{ids[row]}.mp4",
                "score": score,
            }
            jsonl.append(json.dumps(entry))
    (folder / "dover.csv").write_text("\n".join(csv) + "\n", encoding="utf-8")
    (folder / "dover_branches.jsonl").write_text("\n".join(jsonl) + "\n", encoding="utf-8")


def _write_niqe(
    path: Path, ids: list[str], traits: np.ndarray, random: np.random.Generator, bad: int
) -> None:
    naturalness = traits[: len(ids)] @ np.array([0.5, 0.3, 0.1, 0.0, 0.0, 0.1])
    scores = 6.4 - 1.3 * naturalness + 1.2 * random.standard_normal(len(ids))
    scores[random.choice(len(ids), bad, replace=False)] = np.nan
    lines = [f"{clip}.mp4,{score!r}" for clip, score in zip(ids, scores.tolist(), strict=True)]
    path.write_text("\n".join(sorted(lines)) + "\n", encoding="utf-8")


def main() -> None:
    """Write sample tables into the folder named on the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="the folder to write konvid1k/ to")
    parser.add_argument("--clips", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=20_260_508)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    sample = write_sample_data(arguments.folder, clips=arguments.clips, seed=arguments.seed)
    print(
        f"{sample.folder}: {sample.clips:,} clips in features.parquet, ratings in labels.csv, "
        "the files of three scorers in scores/"
    )


if __name__ == "__main__":
    main()

"""Readers of other packages, registered by entry points."""

import subprocess
import sys
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import secondopinion
from provenance.toolkit import InputError
from secondopinion.readers import ScoreBatch, ScoreReader, ScoreRow, registry
from secondopinion_outputs import CLIPS, pyiqa_csv


class ArrowReader(ScoreReader):
    """Reads `clip => score`, one a line."""

    format = "arrow-text"
    title = "a test"

    def recognises(self, file):
        return b" => " in file.head

    def read(self, file, fields):
        for lines in file.lines():
            pairs = [line.split(" => ") for line in lines]
            yield from ScoreBatch.from_rows(
                ScoreRow(key=clip, score=float(score), row=number, scorer="arrow")
                for number, (clip, score) in enumerate(pairs, 1)
            )


class GreedyReader(ArrowReader):
    """Takes every file for its own."""

    format = "greedy"

    def recognises(self, file):
        return True


class Impostor(ArrowReader):
    """Has the format of another."""

    format = "rows"


def broken():
    raise RuntimeError("no such library")


@pytest.fixture
def installed(monkeypatch):
    """Pretend that packages with these readers are installed."""

    def install(*names):
        points = [EntryPoint(name, f"{__name__}:{name}", registry.ENTRY_POINTS) for name in names]
        own = tuple(entry_points(group=registry.ENTRY_POINTS))
        load = EntryPoint.load
        monkeypatch.setattr(registry, "entry_points", lambda group: (*own, *points))
        monkeypatch.setattr(
            EntryPoint,
            "load",
            lambda point: globals()[point.name] if point in points else load(point),
        )
        registry.readers.cache_clear()

    yield install
    registry.readers.cache_clear()


@pytest.fixture
def scores(tmp_path):
    path = tmp_path / "scores.txt"
    path.write_text("".join(f"{clip}.mp4 => {at}\n" for at, clip in enumerate(CLIPS)))
    return path


def test_an_installed_reader_is_found_from_content(installed, features, scores, tmp_path):
    installed("ArrowReader")
    out = tmp_path / "out.parquet"
    audit = secondopinion.join_file(features, scores, out)
    assert audit["score_files"][0]["format"] == "arrow-text"
    assert pq.read_table(out)["second_opinion_arrow_score"].to_pylist() == [0, 1, 2, 3, 4]


def test_two_readers_of_one_file_ask_for_the_format(installed, features, scores, tmp_path):
    installed("ArrowReader", "GreedyReader")
    with pytest.raises(InputError, match="arrow-text or greedy"):
        secondopinion.join_file(features, scores, tmp_path / "out.parquet")
    with pytest.raises(InputError, match="pyiqa-csv or greedy"):
        secondopinion.inspect(f"niqe={pyiqa_csv(tmp_path / 'n.csv')}")
    audit = secondopinion.join_file(
        features, scores, tmp_path / "out.parquet", secondopinion.JoinOptions(format="arrow-text")
    )
    assert audit["score_files"][0]["format_decided_by"] == "--format"


EXTENSION = Path(__file__).parents[3] / "tests" / "extensions" / "arrow-text-scores"


def test_a_package_outside_the_tree_adds_a_layout(features, tmp_path):
    """Install the example of the how-to page and use it as a user would."""
    site = tmp_path / "site"
    subprocess.run(
        ["uv", "pip", "install", "-q", "--no-deps", "--offline", "--target", site, EXTENSION],
        check=True,
        capture_output=True,
        text=True,
    )
    path = tmp_path / "scores.txt"
    path.write_text(
        "# model Arrow-1\n" + "".join(f"{clip} => {at}\n" for at, clip in enumerate(CLIPS))
    )
    code = (
        f"import sys; sys.path.insert(0, {str(site)!r})\n"
        "import secondopinion\n"
        f"audit = secondopinion.join_file({str(features)!r}, {str(path)!r}, 'out.parquet')\n"
        "assert audit['score_files'][0]['format'] == 'arrow-text', audit\n"
        "assert audit['scorers'][0]['slug'] == 'arrow_1', audit\n"
        "assert audit['ok_scores'] == 5, audit\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("name", "words"),
    [("Impostor", "already has"), ("broken", "no such library"), ("CLIPS", "cannot be loaded")],
)
def test_a_reader_that_cannot_be_had_is_one_sentence(installed, scores, name, words):
    installed(name)
    with pytest.raises(InputError, match=words):
        secondopinion.inspect(f"x={scores}")

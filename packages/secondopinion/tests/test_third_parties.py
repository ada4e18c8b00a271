"""Readers that other packages bring, through the entry points."""

from importlib.metadata import EntryPoint

import pyarrow.parquet as pq
import pytest
import secondopinion
from provenance.toolkit import InputError
from secondopinion import ScoreBatch, ScoreReader, ScoreRow, readers
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
            yield from ScoreBatch.of(
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
        points = [EntryPoint(name, f"{__name__}:{name}", readers.ENTRY_POINTS) for name in names]
        monkeypatch.setattr(readers, "entry_points", lambda group: points)
        monkeypatch.setattr(EntryPoint, "load", lambda point: globals()[point.name])
        readers.readers.cache_clear()

    yield install
    readers.readers.cache_clear()


@pytest.fixture
def scores(tmp_path):
    path = tmp_path / "scores.txt"
    path.write_text("".join(f"{clip}.mp4 => {at}\n" for at, clip in enumerate(CLIPS)))
    return path


def test_an_installed_reader_is_found_from_content(installed, features, scores, tmp_path):
    installed("ArrowReader")
    out = tmp_path / "out.parquet"
    audit = secondopinion.materialize(features, scores, out)
    assert audit["score_files"][0]["format"] == "arrow-text"
    assert pq.read_table(out)["second_opinion_arrow_score"].to_pylist() == [0, 1, 2, 3, 4]


def test_two_readers_of_one_file_ask_for_the_format(installed, features, scores, tmp_path):
    installed("ArrowReader", "GreedyReader")
    with pytest.raises(InputError, match="arrow-text or greedy"):
        secondopinion.materialize(features, scores, tmp_path / "out.parquet")
    with pytest.raises(InputError, match="pyiqa-csv or greedy"):
        secondopinion.inspect(f"niqe={pyiqa_csv(tmp_path / 'n.csv')}")
    audit = secondopinion.materialize(
        features, scores, tmp_path / "out.parquet", format="arrow-text"
    )
    assert audit["score_files"][0]["format_decided_by"] == "--format"


@pytest.mark.parametrize(
    ("name", "words"),
    [("Impostor", "which is taken"), ("broken", "no such library"), ("CLIPS", "cannot be loaded")],
)
def test_a_reader_that_cannot_be_had_is_one_sentence(installed, scores, name, words):
    installed(name)
    with pytest.raises(InputError, match=words):
        secondopinion.inspect(f"x={scores}")

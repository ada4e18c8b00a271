"""Scorers that were trained on the audited corpus are marked, with the gains that rest on them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import signalaudit


def table(path, **more):
    rng = np.random.default_rng(0)
    quality = rng.normal(size=120)
    columns = {
        "clip_id": [f"c{n}" for n in range(120)],
        "sharpness": quality + rng.normal(size=120),
        "second_opinion_dover_score": quality + 0.3 * rng.normal(size=120),
        "mos": np.clip(3 + 0.6 * quality, 1, 5),
        **more,
    }
    pq.write_table(pa.table(columns), path)
    return path


def test_the_judged_corpus_comes_from_its_column(tmp_path):
    path = table(tmp_path / "t.parquet", corpus=["LSVQ"] * 120)
    signalaudit.write_report(
        [path], tmp_path / "a.json", out_md=tmp_path / "a.md", out_html=tmp_path / "a.html",
        target="mos",
    )  # fmt: skip
    (found,) = signalaudit.audit([path], target="mos")["tables"]
    doubt = found["contamination"]["second_opinion_dover_score"]
    assert doubt["status"] == "contaminated"
    assert doubt["sentence"] in found["warnings"]
    marked = {row["block"] for row in found["gain"] if row["contaminated_columns"]}
    assert {"dover", "second_opinions"} <= marked
    assert "in doubt: trained on this corpus" in (tmp_path / "a.md").read_text("utf-8")
    assert "in doubt: trained on this corpus" in (tmp_path / "a.html").read_text("utf-8")


def test_corrections_win_and_unknown_is_said(tmp_path):
    path = table(tmp_path / "t.parquet")

    def status(**options):
        (found,) = signalaudit.audit([path], target="mos", **options)["tables"]
        return found["contamination"]["second_opinion_dover_score"]["status"]

    assert status() == "unknown"
    assert status(corpus="LIVE-VQC") == "possible"
    assert status(corpus="LIVE-VQC", trained_on=["dover=LIVE-VQC"]) == "contaminated"
    assert status(corpus="LIVE-VQC", trained_on=["dover=none"]) == "clean"

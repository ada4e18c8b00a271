"""The pages that moskit writes, in a browser: they fit, and axe finds nothing."""

from __future__ import annotations

from pathlib import Path

import labeljoin
import moshead
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
import signalaudit
from browser import BROWSER, looked_at
from workspace import run_command

LONG = "a_rather_long_name_of_a_clip_or_column_1080p_60fps"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """One page of each kind, by name."""
    folder = tmp_path_factory.mktemp("pages")
    rng = np.random.default_rng(0)
    quality = rng.normal(size=150)
    names = [f"{LONG}_{n:03d}.mp4" for n in range(150)]
    columns = {
        "clip": names,
        "mos": np.clip(3 + 0.6 * quality + rng.normal(size=150) / 4, 1, 5),
        "adm2": 0.8 + 0.05 * quality + rng.normal(size=150) / 20,
        "vif_scale0": 0.5 + 0.1 * quality,
        "second_opinion_dover_score": quality + rng.normal(size=150) / 2,
        f"second_opinion_{LONG}_score": -quality + rng.normal(size=150),
        "flat_<b>&": np.zeros(150),
    }
    table = folder / "labelled.parquet"
    pq.write_table(pa.table(columns), folder / "f.parquet")
    labels = pa.table({"clip": names, "mos": columns["mos"], "split": ["train"] * 150})
    pa.csv.write_csv(labels.drop_columns(["split"]), folder / "l.csv")
    pq.write_table(pa.table(columns).drop_columns(["mos"]), folder / "f.parquet")
    labeljoin.join_file(folder / "f.parquet", folder / "l.csv", table)
    signalaudit.write_report([table], folder / "a.json", out_html=folder / "audit.html")
    comparison = moshead.compare(
        table, scores=[name for name in columns if name.startswith("second")] + ["adm2"]
    )
    votes = [f"{name},r{rater},{rng.integers(1, 6)}" for name in names[:20] for rater in range(6)]
    (folder / "v.csv").write_text("\n".join(["clip,rater,score", *votes]))
    ratings = folder / "ratings.html"
    run_command(
        *("labeljoin", "ratings", "--ratings", folder / "v.csv", "--out", folder / "mos.csv"),
        *("--out-html", ratings),
    )
    trace = run_command("provenance", "trace", table, "--format", "html")
    return {
        "audit": (folder / "audit.html").read_text("utf-8"),
        "comparison": comparison.html,
        "ratings": ratings.read_text("utf-8"),
        "trace": trace.stdout,
    }


@pytest.mark.skipif(not BROWSER, reason="no browser is installed")
@pytest.mark.parametrize(("width", "dark"), [(1400, False), (390, True)])
def test_pages_fit_and_are_accessible(
    pages: dict[str, str], tmp_path: Path, width: int, dark: bool
) -> None:
    found = looked_at(pages, tmp_path, width=width, dark=dark)
    assert {name: each["axe"] for name, each in found.items()} == {name: [] for name in pages}
    wide = {name: each["wide"] for name, each in found.items() if each["over"]}
    assert wide == {}
    assert {name: each["errors"] for name, each in found.items()} == {name: [] for name in pages}


def test_pages_share_one_look_and_load_nothing(pages: dict[str, str]) -> None:
    palettes = {
        page[page.index(":root {") : page.index("* { box-sizing")] for page in pages.values()
    }
    assert len(palettes) == 1
    for page in pages.values():
        assert "default-src 'none'" in page
        assert "http" not in page.replace("http-equiv", "")
        assert "flat_<b>" not in page

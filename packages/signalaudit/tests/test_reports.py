"""The command, its files, and the comparison of two audits."""

from __future__ import annotations

import html.parser
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import provenance
import pytest
from signalaudit.notation import percent

Write = Callable[..., Path]
Columns = dict[str, Any]
Run = Callable[..., subprocess.CompletedProcess[str]]

HOSTILE = "<script>alert(1)</script>|`x`\n*b*_[l](j)"


class Page(html.parser.HTMLParser):
    """What a page holds that could load or run something."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.scripts: list[str] = []
        self.addresses: list[str] = []
        self.text = ""
        self._in_script = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "script":
            self._in_script = True
            self.scripts.append("")
        for name, value in attrs:
            assert not name.startswith("on"), name
            if name in ("src", "href", "action", "data", "xlink:href"):
                self.addresses.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False if tag == "script" else self._in_script

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self.scripts[-1] += data
        else:
            self.text += data


def test_report_writes_all_three_and_a_record(
    run: Run, write_table: Write, ugc: Columns, tmp_path: Path, check_schema: Callable[[Any], None]
) -> None:
    table = write_table(**ugc)
    out = [tmp_path / f"audit.{suffix}" for suffix in ("json", "md", "html")]
    done = run(
        *("report", "--input", f"ugc={table}", "--out-json", out[0], "--out-md", out[1]),
        *("--out-html", out[2], "--json"),
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(out[0].read_text("utf-8"))
    assert json.loads(done.stdout) == document
    check_schema(document)
    assert document["tables"][0]["label"] == "ugc"
    assert provenance.verify([out[0]]).ok
    assert set(document["run_provenance"]["outputs"]) == {"out_md", "out_html"}
    text = out[1].read_text("utf-8")
    assert text.splitlines()[0] == "# Signal-mix audit: ugc (target `mos`)"
    assert "what to do next" in text
    assert "target mos" in out[2].read_text("utf-8").split("</h1>")[0]


def test_a_page_alone_has_its_record_beside_it(
    run: Run, write_table: Write, ugc: Columns, tmp_path: Path, check_schema: Callable[[Any], None]
) -> None:
    done = run("report", "--input", write_table(**ugc), "--out-html", tmp_path / "audit.html")
    assert done.returncode == 0, done.stderr
    record = tmp_path / "audit.html.audit.json"
    check_schema(json.loads(record.read_text("utf-8")))
    assert provenance.verify([record, tmp_path / "audit.html"]).ok


def test_without_outputs_nothing_is_written(
    run: Run, write_table: Write, ugc: Columns, tmp_path: Path, check_schema: Callable[[Any], None]
) -> None:
    done = run("report", "--input", write_table(**ugc), "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    check_schema(json.loads(done.stdout))
    assert [path.name for path in tmp_path.iterdir()] == ["table.parquet"]


CONTROLS = "\x1b[31m\x1b]0;owned\x07\u202eleft\u2066"


def test_control_characters_are_shown_as_escapes_everywhere(
    run: Run, write_table: Write, tmp_path: Path
) -> None:
    generator = np.random.default_rng(0)
    mos = generator.normal(size=60)
    table = write_table(
        **{
            "mos" + CONTROLS: mos,
            "niqe" + CONTROLS: mos + generator.normal(size=60),
            "brisque" + CONTROLS: mos - generator.normal(size=60),
            "clip_id": [f"{number}{CONTROLS}" for number in range(60)],
            "group": [CONTROLS, "plain"] * 30,
        }
    )
    done = run(
        *("report", "--input", f"a{CONTROLS}={table}", "--target", "mos" + CONTROLS),
        *("--out-json", tmp_path / "a.json", "--out-md", tmp_path / "a.md"),
        *("--out-html", tmp_path / "a.html", "--group-column", "group"),
    )
    assert done.returncode == 0, done.stderr
    for text in (
        done.stderr,
        (tmp_path / "a.md").read_text("utf-8"),
        (tmp_path / "a.html").read_text("utf-8"),
    ):
        assert not set(text) & set("\x1b\x07\u202e\u2066")
        assert "\\u202eleft" in text.replace("\\\\", "\\")
    # The clip keys of plots, which a script shows, are escaped too.
    page = Page((tmp_path / "a.html").read_text("utf-8"))
    points = [json.loads(script) for script in page.scripts[:-1]]
    assert points
    assert not set(str(points)) & set("\x1b\x07\u202e")


def test_axes_have_ticks_and_names(
    run: Run, write_table: Write, ugc: Columns, tmp_path: Path
) -> None:
    ugc["vmaf"] = np.linspace(0, 100, 400)
    run("report", "--input", write_table(**ugc), "--out-html", tmp_path / "a.html")
    page = Page((tmp_path / "a.html").read_text("utf-8"))
    assert "020406080100" in page.text  # the ticks of VMAF's axis
    assert "0 %20 %40 %60 %80 %100 %" in page.text  # those of percentiles
    assert "percentile →" in page.text


def test_people_get_a_summary_on_standard_error(
    run: Run, write_table: Write, ugc: Columns, tmp_path: Path
) -> None:
    done = run("report", "--input", write_table(**ugc), "--out-json", tmp_path / "a.json")
    assert done.stdout == ""
    assert done.stderr.splitlines()[0].startswith("table: target mos, 400 rows")
    assert "second_opinions" in done.stderr
    assert "Join one more" in done.stderr
    quiet = run(
        *("report", "--input", tmp_path / "table.parquet", "--quiet"),
        *("--out-json", tmp_path / "a.json"),
    )
    assert (quiet.stdout, quiet.stderr) == ("", "")


def test_the_page_needs_no_network(
    run: Run, write_table: Write, ugc: Columns, tmp_path: Path
) -> None:
    run(
        *("report", "--input", write_table(**ugc), "--out-json", tmp_path / "a.json"),
        *("--out-html", tmp_path / "a.html"),
    )
    text = (tmp_path / "a.html").read_text("utf-8")
    page = Page(text)
    assert all(each.startswith(("#", "data:image/png;base64,")) for each in page.addresses)
    assert "default-src 'none'" in text
    assert "@import" not in text
    assert not re.search(r"url\((?!#)", text)
    for wanted in ("Add next", "Q-Align", "Which questions", "What does each block", "399"):
        assert wanted in text


def test_hostile_names_are_shown_and_not_obeyed(
    run: Run, write_table: Write, tmp_path: Path
) -> None:
    generator = np.random.default_rng(0)
    mos = generator.normal(size=60)
    table = write_table(
        **{
            HOSTILE: mos + generator.normal(size=60),
            HOSTILE + "2": -mos,
            "second_opinion_a|b_score": mos + generator.normal(size=60),
            "a|b": generator.normal(size=60),
            "clip_id": [f"</script><b>{number}" for number in range(60)],
            "mos": mos,
            "group": [HOSTILE, "{{ 7 * 7 }}"] * 30,
        }
    )
    label = "<i>|`"
    done = run(
        *("report", "--input", f"{label}={table}", "--out-json", tmp_path / "a.json"),
        *("--out-html", tmp_path / "a.html", "--out-md", tmp_path / "a.md"),
        *("--group-column", "group", "--direction", "a|b=lower"),
    )
    assert done.returncode == 0, done.stderr
    page = Page((tmp_path / "a.html").read_text("utf-8"))
    assert not any("alert" in script and "{" not in script for script in page.scripts)
    for script in page.scripts[:-1]:
        json.loads(script)
    assert "<script>alert(1)</script>" in page.text
    assert "49" not in re.findall(r"\{\{.*?\}\}|\b49\b", page.text.split("By group")[-1])
    markdown = (tmp_path / "a.md").read_text("utf-8")
    for line in markdown.splitlines():
        outside = re.sub(r"(`+).*?\1", "", line)
        assert not re.search(r"(?<!\\)<(script|b|i)\b", outside), line
    rows = [line for line in markdown.splitlines() if line.startswith("|") and "alert" in line]
    head = next(line for line in markdown.splitlines() if line.startswith("| column | family"))
    cells = len(re.findall(r"(?<!\\)\|", head))
    shown = [line for line in rows if "higher" in line or "lower" in line]
    assert shown
    assert all(len(re.findall(r"(?<!\\)\|", line)) == cells for line in shown)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--input", "none.parquet"], "none.parquet"),
        (["--input", "table.parquet", "--top-k", "99999999999999999999"], "--top-k"),
        (["--input", "table.parquet", "--seed", str(2**70)], "--seed"),
        (["--input", "table.parquet", "--top-k", "0"], "--top-k"),
        (["--input", "table.parquet", "--redundancy-threshold", "2"], "between 0 and 1"),
        (["--input", "table.parquet", "--group-column", "no"], "no column 'no'"),
        (["--input", "table.parquet", "--families", "no.toml"], "no.toml"),
        (["--input", "table.parquet", "--direction", "x"], "COLUMN=higher"),
        (["--input", "table.parquet", "--out-md", "table.parquet"], "table.parquet"),
        (["--input", "broken.parquet"], "broken.parquet"),
    ],
)
def test_bad_invocations_end_with_one_sentence_and_no_file(
    run: Run, write_table: Write, tmp_path: Path, arguments: list[str], said: str
) -> None:
    write_table(adm2=np.arange(9.0))
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 this is not parquet PAR1")
    before = sorted(tmp_path.iterdir())
    done = run("report", "--out-json", "a.json", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(tmp_path.iterdir()) == before


def test_diff(
    run: Run, write_table: Write, ugc: Columns, tmp_path: Path, check_schema: Callable[[Any], None]
) -> None:
    plain = {name: values for name, values in ugc.items() if "second_opinion" not in name}
    with_motion = ugc | {"motion2": np.random.default_rng(0).normal(size=400)}
    for name, columns in (("before", plain), ("after", with_motion)):
        table = write_table(f"{name}.parquet", **columns)
        run("report", "--input", table, "--out-json", tmp_path / f"{name}.json")
    before, after = tmp_path / "before.json", tmp_path / "after.json"
    done = run("diff", before, after, "--out-md", tmp_path / "diff.md", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    check_schema(document)
    [table] = document["tables"]
    assert table["comparable"]
    assert {"canonical_fr", "temporal_flicker"} == set(table["coverage_gained"])
    assert "second_opinion_dover_score" in table["columns_added"]
    verdicts = {row["block"]: row["verdict"] for row in table["gain"]}
    assert verdicts["second_opinions"] == "confirmed"
    assert verdicts["temporal_flicker"] == "not_confirmed"
    assert table["all_plcc"]["change"] > 0.05
    assert not any(row["beyond_interval"] for row in table["correlations_moved"])
    lines = (tmp_path / "diff.md").read_text("utf-8").splitlines()
    assert lines[0] == "# Signal-mix audits compared: after (target `mos`)"
    assert any(line.startswith("| `second_opinions` (second opinions)") for line in lines)
    record = json.loads((tmp_path / "diff.md.audit.json").read_text("utf-8"))
    check_schema(record)
    assert record["tables"] == document["tables"]
    people = run("diff", before, after)
    assert "temporal_flicker: missing → covered" in people.stderr
    backwards = json.loads(run("diff", after, before, "--json").stdout)
    assert "removed" in {row["verdict"] for row in backwards["tables"][0]["gain"]}
    assert {"canonical_fr", "temporal_flicker"} == set(backwards["tables"][0]["coverage_lost"])


@pytest.mark.parametrize("text", ["", "{}", "[]", "{", '{"schema": "signal-mix-audit-v1"}'])
def test_diff_refuses_what_is_no_audit(run: Run, tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    done = run("diff", path, path)
    assert done.returncode == 2
    assert str(path) in done.stderr
    assert "Traceback" not in done.stderr
    assert run("diff", tmp_path / "none.json", path).returncode == 2


def test_no_share_is_rounded_to_all_or_nothing(
    run: Run, write_table: Write, tmp_path: Path
) -> None:
    still = np.where(np.arange(1000) < 3, np.nan, 0.5)
    empty = np.where(np.arange(1000) < 3, 0.5, np.nan)
    table = write_table(vmaf=np.arange(1000.0), ssim=still, adm2=empty)
    done = run(
        *("report", "--input", table, "--out-json", tmp_path / "a.json"),
        *("--out-md", tmp_path / "a.md", "--out-html", tmp_path / "a.html"),
    )
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "a.md").read_text("utf-8")
    assert "| `ssim` | constant | 99.7 % |" in text
    assert "| `adm2` | mostly non finite | 0.3 % |" in text
    page = Page((tmp_path / "a.html").read_text("utf-8")).text
    assert "ssimconstant99.7 %" in page


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        *((None, "–"), (0.0, "0 %"), (0.00042, "0.04 %"), (0.28, "28 %"), (0.2873, "28.7 %")),
        *((0.9996, "99.96 %"), (1.0, "100 %"), (1.304, "130.4 %")),
    ],
)
def test_percentages(value: float | None, shown: str) -> None:
    assert percent(value) == shown


def test_help_and_import_stay_light() -> None:
    code = (
        "import sys, signalaudit, signalaudit.cli.app\n"
        "assert not {'numpy', 'pyarrow', 'scipy', 'pandas', 'torch', 'jinja2'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_huge_and_tiny_values_are_reported_and_drawn(
    run: Run, write_table: Write, tmp_path: Path, check_schema: Callable[[Any], None]
) -> None:
    generator = np.random.default_rng(0)
    base = generator.normal(size=80)
    table = write_table(
        vmaf=np.where(base > 1, 1.7e308, np.where(base < -1, -1.7e308, base)),
        ssim=base * 1e-310,
        adm2=np.where(base > 0, np.inf, base),
        second_opinion_x_score=base * 1e300 + 1e302,
        mos=base * 1e250,
    )
    done = run(
        *("report", "--input", table, "--target", "mos", "--out-json", tmp_path / "a.json"),
        *("--out-html", tmp_path / "a.html"),
    )
    assert done.returncode == 0, done.stderr
    document = json.loads((tmp_path / "a.json").read_text("utf-8"))
    check_schema(document)
    rows = {row["column"]: row for row in document["tables"][0]["target_correlations"]}
    assert rows["second_opinion_x_score"]["pearson"] == pytest.approx(1, abs=1e-10)
    assert rows["ssim"]["spearman"] == pytest.approx(1, abs=1e-10)

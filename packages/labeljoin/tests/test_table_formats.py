"""A table format that another distribution adds works like a built-in one."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from pyarrow import orc

EXTENSION = Path(__file__).parents[3] / "tests" / "extensions" / "moskit-orc"

if not EXTENSION.is_dir():
    pytest.skip("the example of an extension is in the workspace", allow_module_level=True)

JOIN = """
import sys
sys.path.insert(0, "site")
from labeljoin.cli.app import main
main()
"""


@pytest.fixture
def installed(here):
    """The example, installed into a folder as an index would have it."""
    # Copied, because a test below damages a file, and a link would damage uv's cache.
    install = ["uv", "pip", "install", "-q", "--no-deps", "--offline", "--link-mode=copy"]
    subprocess.run([*install, "--target", "site", EXTENSION], check=True)


def labeljoin(*arguments):
    return subprocess.run(
        [sys.executable, "-c", JOIN, *arguments], capture_output=True, text=True, check=False
    )


def test_orc_tables_are_joined(installed, here):
    import pyarrow as pa

    orc.write_table(pa.table({"path": [f"v/{c}.mp4" for c in range(5)], "x": range(5)}), "f.orc")
    Path("l.csv").write_text("key,mos\n" + "".join(f"{c},{1 + c / 2}\n" for c in range(5)))
    done = labeljoin("join", "--features", "f.orc", "--labels", "l.csv", "--out", "o.orc", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["engine"] == "orc-rewrite"
    assert orc.read_table("o.orc")["mos"].to_pylist() == [1, 1.5, 2, 2.5, 3]
    refused = labeljoin("join", "--features", "f.orc", "--labels", "l.csv", "--out", "o.parquet")
    assert refused.returncode == 2
    assert "orc" in refused.stderr


def test_an_extension_that_cannot_be_loaded_is_named(installed, here):
    Path("site/moskit_orc/__init__.py").write_text("raise RuntimeError('broken build')\n")
    Path("f.csv").write_text("path,x\n1,2\n")
    done = labeljoin("inspect", "--features", "f.csv", "--labels", "f.csv")
    assert done.returncode == 2
    assert "moskit_orc" in done.stderr
    assert "broken build" in done.stderr

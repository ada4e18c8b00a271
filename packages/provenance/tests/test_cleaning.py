"""What killed runs have left is removed; what living ones own, and all else, is not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from provenance.run import clean
from provenance.toolkit import InputError

WRITER = """
import sys
from pathlib import Path
from provenance import start_run
with start_run("job", inputs={{}}) as run:
    Path(run.stage("out", "{folder}/out.tbl")).write_bytes(b"half")
    Path(run.stage("parts", "{folder}/parts", directory=True), "a").write_bytes(b"half")
    print("writing", flush=True)
    sys.stdin.readline()
"""


def writing(folder: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER.format(folder=folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"
    return process


def everything(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.fixture
def killed(folder: Path) -> Path:
    """Leftovers in two folders, among files that are not ours."""
    (folder / ".moskit-notes").write_text("mine")
    (folder / ".moskit-0123456789abcdef").write_text("mine")
    (folder / "elsewhere").mkdir()
    (folder / "elsewhere/.moskit-0123456789abcdef-89abcdef").write_text("behind a link")
    (folder / "tree").mkdir()
    (folder / "tree/link").symlink_to(folder / "elsewhere")
    for name in ("tree/a", "tree/b"):
        process = writing(name)
        process.kill()
        process.communicate()
    return folder


def test_leftovers_are_shown_and_removed(killed: Path, provenance):
    before = everything(killed)
    dry = json.loads(provenance("clean", "tree", "--dry-run", "--json").stdout)
    assert everything(killed) == before
    assert dry["dry_run"]
    assert {item["kind"] for item in dry["leftovers"]} == {"temporary", "lock"}
    assert {item["kept"] for item in dry["leftovers"]} == {None}
    done = provenance("clean", "tree")
    assert done.returncode == 0
    assert done.stderr.count("removed  tree/") == len(dry["leftovers"]) == 8
    gone = before - everything(killed)
    assert {str(Path(item["path"])) for item in dry["leftovers"]} <= gone
    assert all(".moskit-" in name and "elsewhere" not in name for name in gone)
    assert (killed / ".moskit-notes").exists()
    assert clean("tree").leftovers == ()
    assert "Nothing is left" in provenance("clean", "tree").stderr


def test_an_output_has_leftovers_of_its_own(killed: Path):
    found = clean("tree/a/out.tbl").leftovers
    assert {item.kind for item in found} == {"temporary", "lock"}
    assert len(found) == 2
    assert len(clean("tree/a").leftovers) == 2  # those of the parts
    assert len(clean(["tree", "tree/b"], dry_run=True).leftovers) == 4


def test_a_living_run_keeps_its_files(folder: Path, provenance):
    process = writing("tree")
    before = everything(folder)
    for item in clean(".").leftovers:
        assert item.kept == "a run is writing it"
    assert "kept  tree/.moskit-" in provenance("clean", "tree").stderr
    assert everything(folder) == before
    process.communicate("go\n", timeout=30)
    assert process.returncode == 0
    assert (folder / "tree/out.tbl").read_bytes() == b"half"


def test_an_old_folder_is_removed_only_if_the_new_one_is_there(killed: Path):
    locks = list(Path("tree/a").glob(".moskit-*.lock"))
    [parts] = [p.stem for p in locks if any(d.is_dir() for d in Path("tree/a").glob(f"{p.stem}-*"))]
    former = Path(f"tree/a/{parts}-00000000-former")
    former.mkdir()
    (former / "a").write_text("the only copy")
    [item] = [item for item in clean("tree").leftovers if item.kind == "former"]
    assert item.kept is not None
    assert former.is_dir()
    Path("tree/a/parts").mkdir()
    clean("tree")
    assert not former.exists()
    assert everything(Path("tree/a")) == {"parts"}


def test_what_is_not_there_is_said(folder: Path, provenance):
    assert clean("nothing").leftovers == ()
    with pytest.raises(InputError, match="no such file"):
        clean("nothing/nowhere")
    assert provenance("clean", "nothing/nowhere").returncode == 2


@pytest.mark.skipif(sys.platform == "win32", reason="there is no mask for permissions")
def test_locks_follow_the_mask_for_permissions(folder: Path):
    former = os.umask(0o077)
    try:
        process = writing("tree")
    finally:
        os.umask(former)
    locks = list(Path("tree").glob(".moskit-*.lock"))
    assert [path.stat().st_mode & 0o777 for path in locks] == [0o600, 0o600]
    process.communicate("go\n", timeout=30)

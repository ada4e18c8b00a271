"""Built distributions are complete, and other projects install exactly those."""

from __future__ import annotations

import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from distributions import problems_in, wheel_of
from downstream import Project, pinned
from workspace import ROOT


def write_wheel(folder: Path, package: str, *, requires: str = "", code: str = "") -> None:
    """Write a wheel with a package's name and version, and one module."""
    folder.mkdir(parents=True, exist_ok=True)
    wheel = wheel_of(folder, package)
    name, version, _ = wheel.name.split("-", 2)
    information = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(
            f"{information}/METADATA",
            f"Metadata-Version: 2.1\nName: moskit-{package}\nVersion: {version}\n{requires}\n",
        )
        tags = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        archive.writestr(f"{information}/WHEEL", tags)
        archive.writestr(f"{information}/RECORD", "")
        archive.writestr(f"{package}.py", code)


def test_what_uv_builds_is_complete(tmp_path: Path) -> None:
    build = ["uv", "build", "--all-packages", "--no-sources", "--quiet", f"--out-dir={tmp_path}"]
    subprocess.run(build, cwd=ROOT, check=True)
    assert list(problems_in(tmp_path)) == []


def test_problems_of_a_distribution_are_reported(tmp_path: Path) -> None:
    write_wheel(
        tmp_path,
        "labeljoin",
        requires="Requires-Dist: moskit-provenance\nProject-URL: Documentation, docs/index.md",
    )
    problems = "\n".join(problems_in(tmp_path))
    for expected in (
        f"{wheel_of(tmp_path, 'provenance').name} was not built",
        "does not hold labeljoin/py.typed",
        "does not hold labeljoin/joining/on_disk.py",
        "licenses/LICENSE",
        "does not install the command labeljoin",
        "has the licence None",
        "has no README",
        "has no author",
        "is not classified as Typing :: Typed",
        "requires Python None",
        "has the Documentation URL docs/index.md",
        "requires ['moskit-provenance'] of its siblings",
        "requires moskit-provenance, which is not a range",
    ):
        assert expected in problems


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project that needs labeljoin, from the build folder, and provenance, from an index."""
    write_wheel(tmp_path / "dist", "labeljoin", requires="Requires-Dist: moskit-provenance\n")
    page = tmp_path / "index" / "moskit-provenance"
    write_wheel(page, "provenance")
    name = wheel_of(page, "provenance").name
    (page / "index.html").write_text(f'<a href="{name}">{name}</a>')
    project = Project(tmp_path / "project", tmp_path / "dist")
    project.write([pinned("labeljoin")], [])
    monkeypatch.setenv("UV_DEFAULT_INDEX", page.parent.as_uri())
    return project


def test_a_sibling_from_an_index_is_refused(project: Project) -> None:
    with pytest.raises(SystemExit, match="moskit-provenance was resolved from"):
        project.install()


def test_siblings_from_the_build_folder_are_taken(project: Project) -> None:
    write_wheel(project.dist, "provenance")
    assert project.install() == {"moskit-labeljoin", "moskit-provenance"}


def test_the_last_build_of_a_version_is_installed(project: Project) -> None:
    write_wheel(project.dist, "provenance", code="print('first')")
    project.install()
    write_wheel(project.dist, "provenance", code="print('again')")
    shutil.rmtree(project.folder / ".venv")
    (project.folder / "uv.lock").unlink()
    project.install()
    assert project.run("python", "-c", "import provenance", capture=True) == "again\n"

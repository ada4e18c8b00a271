"""Projects outside the workspace take our packages from the build folder, or not at all."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from distributions import wheel_of
from downstream import Project, pinned


def write_wheel(folder: Path, package: str, *, requires: str = "") -> None:
    """An empty wheel of a package's name and version."""
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


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """It needs labeljoin, which was built, and provenance, which is on the one index there is."""
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

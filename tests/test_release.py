"""Releases with unannounced breaking changes are refused."""

from __future__ import annotations

import datetime as dt
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from release import UNRELEASED, ReleaseError, prepare_release
from workspace import PACKAGES, ROOT

DAY = dt.date(2030, 1, 2)
API = "def measure(clip: str) -> float:\n    return 1.0\n"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two packages; ``core`` was released as 0.1.0, and ``user`` needs it."""
    for name, dependencies in {"core": "[]", "user": '["moskit-core>=0.1,<0.2"]'}.items():
        folder = tmp_path / "packages" / name
        source = folder / "src" / name
        source.mkdir(parents=True)
        (folder / "pyproject.toml").write_text(
            f'[project]\nname = "moskit-{name}"\nversion = "0.1.0"\ndependencies = {dependencies}\n'
        )
        (folder / "CHANGELOG.md").write_text("# Changelog\n\n## [Unreleased]\n\n### Fixed\n- x\n")
        (source / "__init__.py").write_text("import lazy_loader as lazy\n")
        (source / "__init__.pyi").write_text(
            'from .measuring import measure as measure\n\n__all__ = ["measure"]\n'
        )
        (source / "measuring.py").write_text(API + "\n\ndef helper() -> None: ...\n")
    for command in (
        ["git", "init", "--quiet"],
        ["git", "add", "."],
        ["git", "-c", "user.name=t", "-c", "user.email=t@t", "commit", "--quiet", "-m", "Start"],
        ["git", "tag", "core-0.1.0"],
    ):
        subprocess.run(command, cwd=tmp_path, check=True)
    return tmp_path


def change(repository: Path, api: str, heading: str = "Fixed") -> None:
    core = repository / "packages" / "core"
    (core / "src" / "core" / "measuring.py").write_text(api)
    (core / "CHANGELOG.md").write_text(f"# Changelog\n\n## [Unreleased]\n\n### {heading}\n- x\n")


def version_of(repository: Path, name: str) -> str:
    text = (repository / "packages" / name / "pyproject.toml").read_text()
    version: str = tomllib.loads(text)["project"]["version"]
    return version


def test_removing_a_public_name_is_a_breaking_change(repository: Path) -> None:
    stub = repository / "packages" / "core" / "src" / "core" / "__init__.pyi"
    stub.write_text("__all__: list[str] = []\n")
    with pytest.raises(ReleaseError, match="no longer public"):
        prepare_release(repository, "core", "0.1.1", day=DAY)


def test_a_fix_is_released(repository: Path) -> None:
    # `helper` is not listed as public, so removing it breaks nothing.
    change(repository, API)
    assert prepare_release(repository, "core", "0.1.1", day=DAY) == []
    assert version_of(repository, "core") == "0.1.1"
    changelog = (repository / "packages" / "core" / "CHANGELOG.md").read_text()
    assert "## [Unreleased]\n\n## [0.1.1] - 2030-01-02\n\n### Fixed\n- x\n" in changelog
    assert version_of(repository, "user") == "0.1.0"


@pytest.mark.parametrize(
    "api",
    [
        "def measured(clip: str) -> float:\n    return 1.0\n",
        "def measure() -> float:\n    return 1.0\n",
        "def measure(clip: str, mode: str) -> float:\n    return 1.0\n",
    ],
    ids=["removed", "parameter gone", "parameter required"],
)
def test_a_breaking_change_needs_version_and_changelog(repository: Path, api: str) -> None:
    change(repository, api)
    with pytest.raises(ReleaseError, match="the API has breaking changes"):
        prepare_release(repository, "core", "0.1.1", day=DAY)
    with pytest.raises(ReleaseError, match="no entry under 'Changed' or 'Removed'"):
        prepare_release(repository, "core", "0.2.0", day=DAY)
    changelog = repository / "packages" / "core" / "CHANGELOG.md"
    changelog.write_text("## [Unreleased]\n\n### Removed\n\n### Fixed\n- x\n")
    with pytest.raises(ReleaseError, match="no entry under 'Changed' or 'Removed'"):
        prepare_release(repository, "core", "0.2.0", day=DAY)
    assert version_of(repository, "core") == "0.1.0"
    change(repository, api, heading="Removed")
    notes = prepare_release(repository, "core", "0.2.0", day=DAY)
    assert any("breaking changes" in note for note in notes)
    assert any("user (moskit-core<0.2,>=0.1)" in note for note in notes)
    with pytest.raises(ReleaseError, match=r"moskit-core<0.2,>=0.1 \(0.2.0 is here\)"):
        prepare_release(repository, "user", "0.1.1", day=DAY)


@pytest.mark.parametrize(
    ("name", "version", "why"),
    [
        ("core", "0.1.0", "does not come after"),
        ("core", "0.0.9", "does not come after"),
        ("core", "next", "is not a version"),
        ("cor", "0.1.1", "there is no package"),
    ],
)
def test_an_invalid_release_is_refused(repository: Path, name: str, version: str, why: str) -> None:
    with pytest.raises(ReleaseError, match=why):
        prepare_release(repository, name, version, day=DAY)


def test_a_release_needs_a_changelog_entry(repository: Path) -> None:
    (repository / "packages" / "core" / "CHANGELOG.md").write_text(
        "## [Unreleased]\n\n## [0.1.0]\n- x"
    )
    with pytest.raises(ReleaseError, match="has no entry under"):
        prepare_release(repository, "core", "0.1.1", day=DAY)


@pytest.mark.parametrize("package", PACKAGES)
def test_changelogs_have_the_right_format(package: str) -> None:
    changelog = (ROOT / "packages" / package / "CHANGELOG.md").read_text("utf-8")
    assert changelog.startswith(f"# Changelog\n\nAll notable changes to moskit-{package}.")
    first, *released = re.findall(r"(?m)^## .*$", changelog)
    assert first == UNRELEASED
    assert [line for line in released if not re.fullmatch(r"## \[[\d.]+\] - [\d-]{10}", line)] == []

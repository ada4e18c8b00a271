"""Prepare the release of one package: ``uv run nox -s release -- <package> <version>``.

Sets the version in the package's pyproject.toml and dates its changelog's ``Unreleased`` section.
Before that, it compares the public API with that of the package's last release (the git tag
``<package>-<version>``). A breaking change needs a version outside the ranges of dependent
packages, and an entry in the changelog; otherwise the release is refused. It prints the dependent
packages whose ranges exclude the new version; they cannot be released until they include it.
Nothing is tagged, committed or published.
"""

from __future__ import annotations

import argparse
import datetime as dt
import re
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

import griffe
from packaging.requirements import Requirement
from packaging.version import InvalidVersion, Version

ROOT = Path(__file__).resolve().parents[1]
UNRELEASED = "## [Unreleased]"


class ReleaseError(Exception):
    """The release is refused."""


@dataclass(frozen=True)
class Package:
    """One package of a workspace."""

    root: Path
    name: str

    @property
    def folder(self) -> Path:
        """The folder of its pyproject.toml."""
        return self.root / "packages" / self.name

    @property
    def version(self) -> Version:
        """The version in its pyproject.toml."""
        return Version(tomllib.loads(self._pyproject.read_text("utf-8"))["project"]["version"])

    @property
    def dependencies(self) -> list[Requirement]:
        """Its requirements, without those of extras."""
        project = tomllib.loads(self._pyproject.read_text("utf-8"))["project"]
        return [Requirement(text) for text in project["dependencies"]]

    @property
    def changelog(self) -> Path:
        """Its changelog, in the format of Keep a Changelog."""
        return self.folder / "CHANGELOG.md"

    @property
    def _pyproject(self) -> Path:
        return self.folder / "pyproject.toml"

    def set_version(self, version: Version) -> None:
        """Replace the version in pyproject.toml, and nothing else."""
        text = self._pyproject.read_text("utf-8")
        changed = re.sub(r'(?m)^version = ".*"$', f'version = "{version}"', text, count=1)
        self._pyproject.write_text(changed, encoding="utf-8")


def breaks_range(before: Version, after: Version) -> bool:
    """Return whether the range for the old version excludes the new one: 1.x to 2, 0.1 to 0.2."""
    return after.major != before.major or (before.major == 0 and after.minor != before.minor)


def unreleased_lines(changelog: str) -> list[str]:
    """Return the lines under ``Unreleased``: headings and entries, but no blank lines."""
    _, found, rest = changelog.partition(UNRELEASED)
    if not found:
        return []
    section = re.split(r"(?m)^## \[", rest, maxsplit=1)[0]
    return [line for line in section.splitlines() if line.strip()]


def announces_change(entries: list[str]) -> bool:
    """Return whether there is an entry under ``Changed`` or ``Removed``."""
    heading = ""
    for line in entries:
        if line.startswith("### "):
            heading = line.removeprefix("### ").strip()
        elif heading in {"Changed", "Removed"} and line.lstrip().startswith("-"):
            return True
    return False


def dated_changelog(changelog: str, version: Version, day: dt.date) -> str:
    """Return the changelog with the ``Unreleased`` section renamed to the version."""
    return changelog.replace(UNRELEASED, f"{UNRELEASED}\n\n## [{version}] - {day}", 1)


def breakages_since(package: Package, tag: str) -> list[str]:
    """Return the breaking changes of the public API since a git tag."""
    with tempfile.TemporaryDirectory() as folder:
        source = f"packages/{package.name}/src"
        archive = subprocess.run(
            ["git", "archive", tag, source], cwd=package.root, capture_output=True, check=True
        )
        subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
        before = griffe.load(package.name, search_paths=[Path(folder) / source])
        after = griffe.load(package.name, search_paths=[package.root / source])
        names = [str(name) for name in before.exports or ()]
        kept = {str(name) for name in after.exports or ()}
        lost = [f"{package.name}.{name}: no longer public" for name in names if name not in kept]
        public = [_where_defined(before[name]) for name in names]
        return lost + [
            f"{breakage.obj.path}: {breakage.kind.value}"
            for breakage in griffe.find_breaking_changes(before, after)
            if any(f"{breakage.obj.path}.".startswith(f"{path}.") for path in public)
        ]


def _where_defined(item: griffe.Object | griffe.Alias) -> str:
    return item.target_path if isinstance(item, griffe.Alias) else item.path


def last_tag(package: Package) -> str | None:
    """Return the tag of the package's last release, or None."""
    tag = f"{package.name}-{package.version}"
    known = subprocess.run(
        ["git", "tag", "--list", tag], cwd=package.root, capture_output=True, text=True, check=True
    )
    return tag if known.stdout.strip() else None


def dependants_left_behind(root: Path, package: Package, version: Version) -> list[str]:
    """Return the packages of the workspace whose range for ``package`` excludes ``version``."""
    left = []
    for path in sorted(root.glob("packages/*/pyproject.toml")):
        other = Package(root, path.parent.name)
        for requirement in other.dependencies:
            if (
                requirement.name == f"moskit-{package.name}"
                and version not in requirement.specifier
            ):
                left.append(f"{other.name} ({requirement})")
    return left


def siblings_out_of_range(root: Path, package: Package) -> list[str]:
    """Return the sibling requirements of ``package`` that the current versions do not meet."""
    present = {
        f"moskit-{path.parent.name}": Package(root, path.parent.name).version
        for path in sorted(root.glob("packages/*/pyproject.toml"))
    }
    return [
        f"{requirement} ({present[requirement.name]} is here)"
        for requirement in package.dependencies
        if requirement.name in present and present[requirement.name] not in requirement.specifier
    ]


def prepare_release(
    root: Path, name: str, version_text: str, *, day: dt.date | None = None
) -> list[str]:
    """Check and prepare a release.

    Returns:
        Notes: breaking changes, and dependent packages whose ranges exclude the version.

    Raises:
        ReleaseError: The release is refused, and nothing was changed.
    """
    package = Package(root, name)
    if not package.folder.is_dir():
        raise ReleaseError(f"there is no package {name!r}")
    try:
        version = Version(version_text)
    except InvalidVersion:
        raise ReleaseError(f"{version_text!r} is not a version") from None
    tag = last_tag(package)
    if version < package.version or (tag and version == package.version):
        raise ReleaseError(f"{version} does not come after {package.version}")
    changelog = package.changelog.read_text("utf-8")
    entries = unreleased_lines(changelog)
    if not any(line.lstrip().startswith("-") for line in entries):
        raise ReleaseError(
            f"{package.changelog.relative_to(root)} has no entry under {UNRELEASED!r}"
        )
    unmet = siblings_out_of_range(root, package)
    if unmet:
        raise ReleaseError(
            f"its requirements exclude the current versions of its siblings: {', '.join(unmet)}"
        )
    notes = []
    broken = breakages_since(package, tag) if tag else []
    if broken:
        listing = "\n  ".join(broken)
        if not breaks_range(package.version, version):
            raise ReleaseError(
                f"the API has breaking changes, but dependent packages accept {version}:\n"
                f"  {listing}"
            )
        if not announces_change(entries):
            raise ReleaseError(
                "the API has breaking changes, but the changelog has no entry under 'Changed' or "
                "'Removed':\n"
                f"  {listing}"
            )
        notes.append(f"breaking changes:\n  {listing}")
    left = dependants_left_behind(root, package, version)
    if left:
        notes.append(f"ranges to widen, and packages to release after this: {', '.join(left)}")
    package.set_version(version)
    package.changelog.write_text(
        dated_changelog(changelog, version, day or dt.date.today()), encoding="utf-8"
    )
    return notes


def main() -> None:
    """Prepare the release named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package")
    parser.add_argument("version")
    arguments = parser.parse_args()
    try:
        notes = prepare_release(ROOT, arguments.package, arguments.version)
    except ReleaseError as error:
        sys.exit(f"error: {error}")
    for note in notes:
        print(note)
    print(
        f"{arguments.package} is now {arguments.version}. Next: nox -s build downstream lowest, "
        f"commit, git tag {arguments.package}-{arguments.version}"
    )


if __name__ == "__main__":
    main()

"""Use the built wheels in projects outside the workspace: ``uv run nox -s downstream``.

For each package, a new project pins its wheel, locks, and installs into an empty environment. The
package's tests then run there, with the dependencies that it declares and no others. At the end,
one environment runs the quickstart, and another one, made by pip and without torch, predicts with
the head that the first one trained.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

from distributions import PACKAGES, ROOT, wheel_of

WORKSPACE = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
# An extra or a test group may need pandas, but not the package itself.
NEVER_ALONE = {"torch", "pandas"}


@dataclass(frozen=True)
class Project:
    """A project outside the workspace that depends on our wheels."""

    folder: Path
    dist: Path

    @property
    def python(self) -> Path:
        """The Python interpreter of its environment."""
        return self.folder / ".venv" / "bin" / "python"

    def write(self, dependencies: list[str], tests: list[str]) -> None:
        """Write its pyproject.toml; ``tests`` become a dependency group."""
        self.folder.mkdir(parents=True)
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        (self.folder / "pyproject.toml").write_text(
            f"[project]\nname = 'downstream'\nversion = '0'\n"
            f"requires-python = '=={version}.*'\ndependencies = {dependencies}\n"
            f"[dependency-groups]\ntests = {tests}\n"
            f"[tool.uv]\npackage = false\ndefault-groups = []\n"
            f"find-links = ['{self.dist}']\nconstraint-dependencies = {locked_versions()}\n",
            encoding="utf-8",
        )

    def install(self, *options: str) -> set[str]:
        """Lock and install; return the names of all installed distributions.

        Raises:
            SystemExit: One of our packages came from elsewhere than the build folder.
        """
        # uv may have cached an earlier build of this version.
        fresh = [f"--refresh-package=moskit-{package}" for package in PACKAGES]
        self.run("uv", "sync", "--quiet", f"--python={sys.executable}", *fresh, *options)
        lock = tomllib.loads((self.folder / "uv.lock").read_text("utf-8"))
        for package in lock["package"]:
            if package["name"].startswith("moskit-"):
                source = package["source"].get("registry", "")
                if (self.folder / source).resolve() != self.dist:
                    sys.exit(f"{package['name']} was resolved from {package['source']}")
        listed = self.run("uv", "pip", "freeze", f"--python={self.python}", capture=True)
        return {line.partition("==")[0] for line in listed.splitlines()}

    def run(self, *words: object, capture: bool = False) -> str:
        """Run a command in the project's folder, with its environment first on the PATH."""
        path = os.pathsep.join([str(self.python.parent), os.environ["PATH"]])
        done = subprocess.run(
            [str(word) for word in words],
            cwd=self.folder,
            env={**_clean_environment(), "PATH": path},
            check=True,
            text=True,
            stdout=subprocess.PIPE if capture else None,
        )
        return done.stdout or ""


def _clean_environment() -> dict[str, str]:
    leaked = {"VIRTUAL_ENV", "PYTHONPATH", "UV_PROJECT_ENVIRONMENT"}
    return {name: value for name, value in os.environ.items() if name not in leaked}


def locked_versions() -> list[str]:
    """The versions of uv.lock as constraints, so that a new release elsewhere changes nothing."""
    command = ["uv", "export", "--locked", "--quiet", "--all-groups", "--no-emit-workspace"]
    exported = subprocess.run(
        [*command, "--no-hashes", "--no-annotate", "--no-header"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return [line for line in exported.stdout.splitlines() if line]


def test_requirements(group: str) -> list[str]:
    """The requirements of a dependency group of the workspace, ours left out."""
    found: list[str] = []
    for entry in WORKSPACE["dependency-groups"][group]:
        if isinstance(entry, dict):
            found += test_requirements(entry["include-group"])
        elif not entry.startswith("moskit-"):
            found.append(entry)
    return found


def pinned(package: str, *, extras: bool = False) -> str:
    """A package of ours at exactly the version that was built."""
    names = ",".join(PACKAGES[package].get("optional-dependencies", {})) if extras else ""
    return f"moskit-{package}{f'[{names}]' if names else ''}=={PACKAGES[package]['version']}"


def try_package(package: str, folder: Path, dist: Path) -> None:
    """Install one package alone, start its commands, then run its tests with its extras."""
    bare = Project(folder / f"{package}-alone", dist)
    bare.write([pinned(package)], [])
    installed = bare.install()
    heavy = installed & NEVER_ALONE
    if heavy:
        sys.exit(f"{package} alone brings {sorted(heavy)}")
    print(f"== {package} alone: {len(installed)} distributions", flush=True)
    bare.run(package, "--help", capture=True)
    print(bare.run(package, "--version", capture=True), end="", flush=True)

    project = Project(folder / package, dist)
    project.write([pinned(package, extras=True)], test_requirements(f"test-{package}"))
    project.install("--group=tests")
    # The tests expect this layout; the sources are left out.
    shutil.copytree(
        ROOT / "packages" / package / "tests", project.folder / "packages" / package / "tests"
    )
    shutil.copy(ROOT / "conftest.py", project.folder)
    shutil.copytree(ROOT / "docs" / "schemas", project.folder / "docs" / "schemas")
    shutil.copytree(ROOT / "examples", project.folder / "examples")
    options = WORKSPACE["tool"]["pytest"]["ini_options"]
    (project.folder / "pytest.ini").write_text(
        f"[pytest]\naddopts = {options['addopts']}\nfilterwarnings = "
        + "\n    ".join(options["filterwarnings"])
        + "\n",
        encoding="utf-8",
    )
    project.run(
        *("python", "-m", "pytest", "-q", f"--numprocesses={min(os.cpu_count() or 1, 4)}"),
        f"packages/{package}/tests",
    )


def try_handover(folder: Path, dist: Path) -> None:
    """Train in one environment; predict in another one, made by pip and without torch."""
    trainer = Project(folder / "trainer", dist)
    trainer.write([pinned(package, extras=True) for package in PACKAGES], [])
    trainer.install()
    shutil.copytree(ROOT / "examples", trainer.folder / "examples")
    trainer.run("python", "examples/quickstart.py")

    reader = Project(folder / "reader", dist)
    reader.folder.mkdir()
    reader.run(sys.executable, "-m", "venv", ".venv")
    wheels = [wheel_of(dist, package) for package in ("provenance", "labeljoin", "moshead")]
    reader.run("python", "-m", "pip", "install", "--quiet", *wheels)
    reader.run("python", "-c", "import importlib.util as u; assert not u.find_spec('torch')")
    output = trainer.folder / "quickstart-output"
    reader.run(
        *("moshead", "predict", "--onnx", output / "head.onnx"),
        *("--features", output / "scored.parquet", "--out", "predictions.parquet"),
    )
    reader.run("provenance", "verify", "predictions.parquet")


def main() -> None:
    """Test the wheels of the folder named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dist", type=Path)
    everything = [*PACKAGES, "handover"]
    parser.add_argument(
        "what", nargs="*", help=f"one or more of {', '.join(everything)} (default: all)"
    )
    arguments = parser.parse_args()
    unknown = set(arguments.what) - set(everything)
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    dist = arguments.dist.resolve()
    with tempfile.TemporaryDirectory(prefix="downstream-") as folder:
        for name in arguments.what or everything:
            if name == "handover":
                try_handover(Path(folder), dist)
            else:
                try_package(name, Path(folder), dist)


if __name__ == "__main__":
    main()

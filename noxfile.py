"""The development sessions of moskit: ``uv run nox``, or ``uv run nox -s <session>``.

What a session installs is read from the pyproject files and locked by ``uv.lock``:
``tests-<package>`` syncs the dependency group ``test-<package>`` into an environment of its own for
each Python of the classifiers; sessions about the whole workspace run in its own environment, the
one that ``uv run nox`` has just brought up to date.
"""

from __future__ import annotations

import os
from pathlib import Path

import nox

nox.needs_version = ">=2026.4"
nox.options.default_venv_backend = "uv"
nox.options.download_python = "never"
# A Python that this machine lacks is skipped with a word, on a continuous-integration machine too.
nox.options.error_on_missing_interpreters = False
nox.options.reuse_existing_virtualenvs = True

ROOT = Path(__file__).parent
WORKSPACE = nox.project.load_toml(ROOT / "pyproject.toml")
PROJECTS = {
    path.parent.name: nox.project.load_toml(path)
    for path in sorted(ROOT.glob("packages/*/pyproject.toml"))
}
# Two cores are shared by two pytest processes; more threads in each would only contend.
QUIET_THREADS = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

nox.options.sessions = ["lint", "types", *(f"tests-{name}" for name in PROJECTS), "integration"]


def run_pytest(session: nox.Session, *arguments: str) -> None:
    """Run pytest on every core that the machine has, and report what branches it reached."""
    session.run(
        "pytest",
        f"--numprocesses={min(os.cpu_count() or 1, 4)}",
        "--dist=loadgroup",
        *arguments,
        *session.posargs,
        env=QUIET_THREADS,
        external=True,
    )


def sync_group(session: nox.Session, group: str, *options: str) -> None:
    """Bring the session's environment to one locked dependency group, and to nothing more."""
    session.run_install(
        "uv",
        "sync",
        "--locked",
        "--quiet",
        "--no-default-groups",
        f"--group={group}",
        *options,
        env={"UV_PROJECT_ENVIRONMENT": session.virtualenv.location},
        external=True,
    )


def define_tests(package: str) -> None:
    """Define the session that tests one package on each Python it says it supports."""

    @nox.session(name=f"tests-{package}", python=nox.project.python_versions(PROJECTS[package]))
    def tests(session: nox.Session) -> None:
        sync_group(session, f"test-{package}")
        run_pytest(session, f"packages/{package}/tests")

    tests.__doc__ = f"Test {package} with the dependencies it declares, and no sibling more."


for name in PROJECTS:
    define_tests(name)


@nox.session(venv_backend="none")
def lint(session: nox.Session) -> None:
    """Check style with ruff, and the borders between packages with import-linter."""
    session.run("ruff", "check", ".", external=True)
    session.run("ruff", "format", "--check", ".", external=True)
    session.run("lint-imports", "--no-logo", external=True)


@nox.session(venv_backend="none")
def types(session: nox.Session) -> None:
    """Check types with mypy in strict mode: each package's sources, its tests, the workspace."""
    sources = [f"packages/{package}/src" for package in PROJECTS]
    session.run("mypy", *sources, external=True)
    for folder in [*(f"packages/{package}/tests" for package in PROJECTS), "tests", "benchmarks"]:
        if any((ROOT / folder).glob("*.py")):
            session.run("mypy", folder, external=True)
    session.run("mypy", "examples", "noxfile.py", external=True)


@nox.session(venv_backend="none")
def integration(session: nox.Session) -> None:
    """Test the packages together: the whole job by command line, the docs, the quickstart."""
    run_pytest(session, "tests")

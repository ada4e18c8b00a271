"""The development sessions of moskit: ``uv run nox``, or ``uv run nox -s <session>``.

What a session installs is read from the pyproject files and locked by ``uv.lock``:
``tests-<package>`` syncs the dependency group ``test-<package>`` into an environment of its own for
each Python of the classifiers; sessions about the whole workspace run in its own environment, the
one that ``uv run nox`` has just brought up to date.
"""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import nox

nox.needs_version = ">=2026.4"
nox.options.default_venv_backend = "uv"
nox.options.download_python = "never"
# A Python that this machine lacks is skipped with a word, on a continuous-integration machine too.
nox.options.error_on_missing_interpreters = False
nox.options.reuse_existing_virtualenvs = True

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Started in the background of a plain shell. Tests interrupt what they start.
    signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).parent
WORKSPACE = nox.project.load_toml(ROOT / "pyproject.toml")
PROJECTS = {
    path.parent.name: nox.project.load_toml(path)
    for path in sorted(ROOT.glob("packages/*/pyproject.toml"))
}
LOWEST_PYTHON = min(
    (v for project in PROJECTS.values() for v in nox.project.python_versions(project)),
    key=lambda version: [int(part) for part in version.split(".")],
)
# Tests start hundreds of processes, and compiling torch or pandas anew takes each of them seconds.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# Two cores are shared by two pytest processes; more threads in each would only contend.
QUIET_THREADS = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

nox.options.sessions = [
    *("lint", "types", "docs"),
    *(f"tests-{name}" for name in PROJECTS),
    "integration",
]


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


def test_requirements(group: str) -> list[str]:
    """The requirements of a dependency group of the workspace, its own packages left out."""
    resolved = nox.project.dependency_groups(WORKSPACE, group)
    return [requirement for requirement in resolved if not requirement.startswith("moskit-")]


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
    """Check types with mypy in strict mode, but for the packages' tests, which run anyway."""
    sources = [f"packages/{package}/src" for package in PROJECTS]
    workspace = ["tests", "examples", "tooling", "benchmarks", "noxfile.py"]
    session.run("mypy", *sources, *workspace, external=True)


@nox.session(venv_backend="none")
def integration(session: nox.Session) -> None:
    """Test the packages together: the whole job by command line, the docs, the quickstart."""
    run_pytest(session, "tests")


@nox.session(venv_backend="none")
def docs(session: nox.Session) -> None:
    """Build the site into site/: offline, and every warning is an error."""
    # The theme's advertisement for its successor is no warning of ours.
    quiet = {"NO_MKDOCS_2_WARNING": "1"}
    session.run("mkdocs", "build", "--strict", "--quiet", env=quiet, external=True)


@nox.session(venv_backend="none")
def build(session: nox.Session) -> None:
    """Build sdist and wheel of every package into dist/, and check what they say and hold."""
    shutil.rmtree(ROOT / "dist", ignore_errors=True)
    session.run("uv", "build", "--all-packages", "--no-sources", "--quiet", external=True)
    session.run("python", "tooling/distributions.py", "dist", external=True)


@nox.session(venv_backend="none", requires=["build"])
def downstream(session: nox.Session) -> None:
    """Install the built wheels in projects outside the workspace, and run their tests there."""
    session.run("python", "tooling/downstream.py", "dist", *session.posargs, external=True)


@nox.session(python=LOWEST_PYTHON, reuse_venv=False)  # what is there would not be lowered
@nox.parametrize("package", list(PROJECTS))
def lowest(session: nox.Session, package: str) -> None:
    """Test a package with the lowest versions of its direct dependencies that it says it takes."""
    pyproject = f"packages/{package}/pyproject.toml"
    in_here = f"--python={session.virtualenv.location}"
    session.run_install(
        *("uv", "pip", "install", "--quiet", in_here, "--resolution=lowest-direct"),
        *("--all-extras", "--requirements", pyproject),
        external=True,
    )
    # What the tests import comes at its newest, and must leave the lowest versions alone.
    session.run_install(
        "uv",
        "pip",
        "install",
        "--quiet",
        in_here,
        *test_requirements(f"test-{package}"),
        external=True,
    )
    session.run_install(
        "uv",
        "pip",
        "install",
        "--quiet",
        in_here,
        "--no-deps",
        f"--editable=packages/{package}",
        external=True,
    )
    run_pytest(session, f"packages/{package}/tests")


@nox.session(venv_backend="none")
def bench(session: nox.Session) -> None:
    """Measure everything side by side, and write the table that the docs show."""
    session.run("python", "tooling/bench.py", *session.posargs, external=True)


@nox.session(venv_backend="none")
def newcomer(session: nox.Session) -> None:
    """Time the README's first command in a fresh clone with an empty home."""
    session.run("python", "tooling/newcomer.py", external=True)


@nox.session(venv_backend="none")
def release(session: nox.Session) -> None:
    """Prepare a release: ``nox -s release -- <package> <version>``."""
    session.run("python", "tooling/release.py", *session.posargs, external=True)
    session.run("uv", "lock", "--quiet", external=True)


@nox.session(venv_backend="none")
def coverage(session: nox.Session) -> None:
    """Report which branches of all packages the tests reach."""
    arguments = ["--cov", "--cov-report=term", "--cov-report=html"]
    run_pytest(session, *(f"packages/{package}/tests" for package in PROJECTS), *arguments)

"""The development sessions of moskit: ``uv run nox``, or ``uv run nox -s <session>``.

Dependencies come from the pyproject files, as locked in ``uv.lock``. ``tests-<package>`` installs
the dependency group ``test-<package>`` into a separate environment for each supported Python.
Sessions about the whole workspace use the environment that ``uv run nox`` has just updated, and
``workspace-<version>`` repeats them on the lowest and the highest Python.
"""

from __future__ import annotations

import os
import platform
import shutil
import signal
from pathlib import Path

import nox

nox.needs_version = ">=2026.4"
nox.options.default_venv_backend = "uv"
nox.options.download_python = "never"
# A Python that is not installed is skipped with a message, on continuous integration too.
nox.options.error_on_missing_interpreters = False
nox.options.reuse_existing_virtualenvs = True

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell ignores SIGINT in background jobs, but the tests interrupt the processes they start.
    signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).parent
WORKSPACE = nox.project.load_toml(ROOT / "pyproject.toml")
PROJECTS = {
    path.parent.name: nox.project.load_toml(path)
    for path in sorted(ROOT.glob("packages/*/pyproject.toml"))
}
PYTHONS = sorted(
    {v for project in PROJECTS.values() for v in nox.project.python_versions(project)},
    key=lambda version: [int(part) for part in version.split(".")],
)
LOWEST_PYTHON, HIGHEST_PYTHON = PYTHONS[0], PYTHONS[-1]
# Tests start hundreds of processes. Without cached bytecode, each spends seconds on compiling.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# pytest already uses every core; more threads in its processes would only compete.
QUIET_THREADS = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

nox.options.sessions = [
    *("lint", "types", "docs"),
    *(f"tests-{name}" for name in PROJECTS),
    "integration",
    "workspace",
]


def run_pytest(session: nox.Session, *arguments: str) -> None:
    """Run pytest with one process a core, four at most."""
    session.run(
        "pytest",
        f"--numprocesses={min(os.cpu_count() or 1, 4)}",
        *arguments,
        *session.posargs,
        env=QUIET_THREADS,
        external=True,
    )


def run_package_tests(session: nox.Session, package: str) -> None:
    """Run the tests of one package and the examples in its docstrings."""
    run_pytest(session, "--doctest-modules", f"packages/{package}/src", f"packages/{package}/tests")


def sync_environment(session: nox.Session, *options: str) -> None:
    """Install locked dependencies into the session's environment, and remove all others."""
    session.run_install(
        *("uv", "sync", "--locked", "--quiet", *options),
        env={"UV_PROJECT_ENVIRONMENT": session.virtualenv.location},
        external=True,
    )


def test_requirements(group: str) -> list[str]:
    """Return the requirements of a dependency group without the workspace's own packages."""
    resolved = nox.project.dependency_groups(WORKSPACE, group)
    return [requirement for requirement in resolved if not requirement.startswith("moskit-")]


def define_tests(package: str) -> None:
    """Define the session that tests one package on each Python that it supports."""

    @nox.session(name=f"tests-{package}", python=nox.project.python_versions(PROJECTS[package]))
    def tests(session: nox.Session) -> None:
        sync_environment(session, "--no-default-groups", f"--group=test-{package}")
        run_package_tests(session, package)

    tests.__doc__ = f"Test {package} with the dependencies that it declares, and no others."


for name in PROJECTS:
    define_tests(name)


@nox.session(venv_backend="none")
def lint(session: nox.Session) -> None:
    """Check style, wording, import contracts, and generated files for drift."""
    check_style(session)


@nox.session(venv_backend="none")
def types(session: nox.Session) -> None:
    """Check types with mypy in strict mode; tests of packages may leave out annotations."""
    check_types(session)


@nox.session(venv_backend="none")
def integration(session: nox.Session) -> None:
    """Test the packages together: the whole job by command line, the docs, the quickstart."""
    run_pytest(session, "tests")


@nox.session(venv_backend="none")
def docs(session: nox.Session) -> None:
    """Build the site into site/, offline, with warnings as errors."""
    build_docs(session, "site")


@nox.session(python=[LOWEST_PYTHON, HIGHEST_PYTHON])
def workspace(session: nox.Session) -> None:
    """Run lint, types, docs and integration on the lowest and on the highest Python."""
    if session.python == ".".join(platform.python_version_tuple()[:2]):
        session.skip("the sessions lint, types, docs and integration use this Python")
    sync_environment(session)
    check_style(session)
    check_types(session)
    build_docs(session, f"{session.create_tmp()}/site")
    run_pytest(session, "tests")


def check_style(session: nox.Session) -> None:
    """Run everything that reads the code and the docs without running them."""
    session.run("ruff", "check", ".", external=True)
    session.run("ruff", "format", "--check", ".", external=True)
    session.run("lint-imports", "--no-logo", external=True)
    for script in ("words", "house", "schemas"):
        session.run("python", f"tooling/{script}.py", external=True)


def check_types(session: nox.Session) -> None:
    """Run mypy on everything, tests included."""
    packages = [f"packages/{package}/{part}" for package in PROJECTS for part in ("src", "tests")]
    workspace = ["conftest.py", "tests", "examples", "tooling", "benchmarks", "noxfile.py"]
    session.run("mypy", *packages, *workspace, external=True)


def build_docs(session: nox.Session, site: str) -> None:
    """Build the site into the folder ``site``."""
    # The theme prints an advertisement for its successor, which strict mode takes for a warning.
    quiet = {"NO_MKDOCS_2_WARNING": "1"}
    command = ("mkdocs", "build", "--strict", "--quiet", f"--site-dir={site}")
    session.run(*command, env=quiet, external=True)
    session.run("python", "tooling/check_site.py", site, external=True)


@nox.session(venv_backend="none")
def build(session: nox.Session) -> None:
    """Build sdist, wheel and SBOM of every package into dist/, and check them."""
    shutil.rmtree(ROOT / "dist", ignore_errors=True)
    session.run("uv", "build", "--all-packages", "--no-sources", "--quiet", external=True)
    session.run("python", "tooling/distributions.py", "dist", external=True)
    session.run("python", "tooling/supply_chain.py", "dist", external=True)


@nox.session(venv_backend="none", requires=["build"])
def downstream(session: nox.Session) -> None:
    """Install the built wheels in projects outside the workspace, and run their tests there."""
    session.run("python", "tooling/downstream.py", "dist", *session.posargs, external=True)


@nox.session(python=LOWEST_PYTHON, reuse_venv=False)  # uv would keep newer versions
@nox.parametrize("package", list(PROJECTS))
def lowest(session: nox.Session, package: str) -> None:
    """Test a package with the lowest versions of its direct dependencies that it accepts."""
    install = ("uv", "pip", "install", "--quiet", f"--python={session.virtualenv.location}")
    session.run_install(
        *(*install, "--resolution=lowest-direct", "--all-extras"),
        *("--requirements", f"packages/{package}/pyproject.toml"),
        external=True,
    )
    # The test requirements are the newest ones, and must not upgrade what is installed.
    session.run_install(*install, *test_requirements(f"test-{package}"), external=True)
    session.run_install(*install, "--no-deps", f"--editable=packages/{package}", external=True)
    run_package_tests(session, package)


@nox.session(venv_backend="none")
def bench(session: nox.Session) -> None:
    """Run all benchmarks, and write the table that the docs show."""
    session.run("python", "tooling/bench.py", *session.posargs, external=True)


@nox.session(venv_backend="none")
def hostile(session: nox.Session) -> None:
    """Interrupt and kill every writing command, and fail its writes; ``-- kills 1000`` does one."""
    for campaign in [session.posargs] if session.posargs else [["signals"], ["kills"], ["faults"]]:
        session.run("python", "tooling/hostile.py", *campaign, external=True)


@nox.session(python=LOWEST_PYTHON)
def fuzz(session: nox.Session) -> None:
    """Search for inputs that break a reader, guided by coverage, for ten minutes."""
    sync_environment(session, "--group=fuzz")
    session.run("python", "tooling/fuzz.py", *session.posargs)


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

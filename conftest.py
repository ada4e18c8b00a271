"""What the tests of all packages share: settings of Hypothesis, pytest-xdist and doctest."""

from __future__ import annotations

import pytest
from hypothesis import settings

# The machine that runs the tests may be busy, so the time that an example takes says nothing.
settings.register_profile("moskit", deadline=None)
settings.load_profile("moskit")

# The tests of each of these files run in one worker: they share a fixture that takes long to make,
# or a cluster. In the second list, each parameter of the file has a fixture of its own.
SHARE_A_WORKER = (
    "packages/labeljoin/tests/test_cluster.py",
    "tests/test_provenance_chain.py",
    "tests/test_quickstart.py",
)
SHARE_A_WORKER_BY_PARAMETER = ("tests/test_pipeline.py",)


def worker_group(nodeid: str) -> str:
    """Return the name of the group of tests that must share a worker with this test.

    A test that can run anywhere is a group of its own.
    """
    path, _, test = nodeid.partition("::")
    if path in SHARE_A_WORKER:
        return path
    if path in SHARE_A_WORKER_BY_PARAMETER:
        return f"{path}[{test.partition('[')[2]}"
    return nodeid


@pytest.fixture(autouse=True)
def doctest_folder(request: pytest.FixtureRequest) -> None:
    """Run each doctest in an empty folder, so that an example can write files."""
    if isinstance(request.node, pytest.DoctestItem):
        folder = request.getfixturevalue("tmp_path")
        request.getfixturevalue("monkeypatch").chdir(folder)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Distribute the tests by :func:`worker_group`.

    The mark ``xdist_group`` would say the same, but pytest-xdist 3.8 ignores it under pytest 9.2
    (pytest-xdist issue 1386).
    """
    from xdist.scheduler import LoadScopeScheduling

    class GroupScheduling(LoadScopeScheduling):  # type: ignore[misc]  # it has no types
        def _split_scope(self, nodeid: str) -> str:
            return worker_group(nodeid)

    return GroupScheduling(config, log)

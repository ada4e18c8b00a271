"""Threads: no more of them than the process has processors."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from provenance.toolkit import processors

HASHING = """
import os, sys, threading
from provenance.record import hash_files
from provenance.toolkit import processors

os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
threads = set()
hash_files(sys.argv[1:], progress=lambda step, done, total: threads.add(threading.get_ident()))
print(processors(), len(threads))
"""


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system has no affinity")
def test_a_process_that_is_held_to_one_processor_hashes_in_one_thread(tmp_path: Path):
    paths = [tmp_path / str(i) for i in range(6)]
    for path in paths:
        path.write_bytes(bytes(4 << 20))
    done = subprocess.run(
        [sys.executable, "-c", HASHING, *paths], capture_output=True, text=True, check=True
    )
    assert done.stdout == "1 1\n"


def test_a_system_without_affinity_counts_all_processors(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    assert processors() == 5
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert processors() == 1

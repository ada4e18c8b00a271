"""Signals, kills and disks that fail, at many moments of every writing command.

Run ``uv run nox -s hostile -- signals 300``, ``-- kills 1000`` or ``-- faults``. After each run,
an output must be whole and as its record says, or absent. An interrupted command ends with 130, or
with 0 if its outputs were in their places already; it leaves no temporary file. Neither does one
whose disk fails, which ends with 74. After a kill, the next run removes what is left.

``signals`` needs a shell in the foreground: background jobs ignore SIGINT.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import provenance

ROOT = Path(__file__).resolve().parents[1]
FEATURES, LABELS = "konvid1k/features.parquet", "konvid1k/labels.csv"
PREPARE = [
    f"labeljoin join --features {FEATURES} --labels {LABELS} --out in/labelled.parquet",
    "secondopinion join --features in/labelled.parquet --scores dover=konvid1k/scores/dover.csv "
    "--out in/scored.parquet",
    "moshead train --features in/scored.parquet --feature-schema schema.toml --model-id head "
    "--recipe ridge --k-folds 2 --seeds 2 --other-partitions 0 --out-onnx in/head.onnx",
]
COMMANDS = {
    "join": f"labeljoin join --features {FEATURES} --labels {LABELS} --out made/a.parquet",
    "batch": "labeljoin batch --manifest manifest.json --report-json made/report.json --jobs 2",
    "ratings": "labeljoin ratings --ratings votes.csv --out made/mos.csv",
    "scores": "secondopinion join --features in/labelled.parquet "
    "--scores dover=konvid1k/scores/dover.csv --out made/b.parquet",
    "audit": "signalaudit report --input in/scored.parquet --out-json made/audit.json "
    "--out-md made/audit.md --out-html made/audit.html",
    "train": PREPARE[2].replace("in/head.onnx", "made/head.onnx"),
    "predict": "moshead predict --onnx in/head.onnx --features in/scored.parquet "
    "--out made/c.parquet",
    "export": "provenance export in/labelled.parquet --format in-toto --out made/d.json",
}
MANIFEST = """{"schema": "mos-label-manifest-v1", "tables": [
{"id": "a", "features": "konvid1k/features.parquet", "labels": ["konvid1k/labels.csv"],
 "out": "made/a.parquet"},
{"id": "b", "features": "konvid1k/features.parquet", "labels": ["konvid1k/labels.csv"],
 "out": "made/b.parquet"}]}"""
SCHEMA = """id = "wide-v1"
columns = ["videval_*", "brisque_*", "second_opinion_*_score"]
"""

SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

/* Fails the FAULT_AT-th write below the folder FAULT_FOLDER, and with FAULT_STAYS all after it. */
static long count;

static int fails(const char *path) {
    const char *folder = getenv("FAULT_FOLDER"), *at = getenv("FAULT_AT");
    if (!folder || !at || strncmp(path, folder, strlen(folder))) return 0;
    long now = __sync_add_and_fetch(&count, 1);
    if (now == atol(at) || (getenv("FAULT_STAYS") && now > atol(at))) {
        errno = atoi(getenv("FAULT_ERRNO"));
        return 1;
    }
    return 0;
}

static int fails_on(int descriptor) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size < 0) return 0;
    path[size] = 0;
    return fails(path);
}

static int fails_at(const char *path) {
    char full[8192], here[4096];
    if (path[0] == '/' || !getcwd(here, sizeof here)) return fails(path);
    snprintf(full, sizeof full, "%s/%s", here, path);
    return fails(full);
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int d, const void *b, size_t n) { return fails_on(d) ? -1 : NEXT(write)(d, b, n); }
ssize_t pwrite(int d, const void *b, size_t n, off_t o) {
    return fails_on(d) ? -1 : NEXT(pwrite)(d, b, n, o);
}
ssize_t writev(int d, const struct iovec *v, int n) {
    return fails_on(d) ? -1 : NEXT(writev)(d, v, n);
}
ssize_t copy_file_range(int i, off_t *p, int o, off_t *q, size_t n, unsigned f) {
    return fails_on(o) ? -1 : NEXT(copy_file_range)(i, p, o, q, n, f);
}
int fsync(int d) { return fails_on(d) ? -1 : NEXT(fsync)(d); }
int rename(const char *a, const char *b) { return fails_at(b) ? -1 : NEXT(rename)(a, b); }
"""
ENOSPC, EIO = 28, 5
MAY_FAIL = 4
"""More writes in a row than a command has that may fail, if it has another way."""


class WentWrongError(Exception):
    """A command has left what it must not leave."""


def write_inputs(folder: Path, *, clips: int = 1_000) -> None:
    """Write sample tables, ratings, a manifest and a feature schema to a folder."""
    sys.path.insert(0, str(ROOT / "examples"))
    from sample_data import write_sample_data

    write_sample_data(folder, clips=clips)
    (folder / "manifest.json").write_text(MANIFEST, encoding="utf-8")
    (folder / "schema.toml").write_text(SCHEMA, encoding="utf-8")
    dice = random.Random(1)
    votes = [f"c{i % 20},r{i // 20},{dice.randint(1, 5)}" for i in range(400)]
    (folder / "votes.csv").write_text("\n".join(["clip,rater,score", *votes]), encoding="utf-8")


def prepare(folder: Path) -> None:
    """Fill a folder with what the commands read."""
    write_inputs(folder)
    for command in PREPARE:
        subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)


def environment(**more: str) -> dict[str, str]:
    """Return the environment of a command."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "NO_COLOR": "1", **more}


def start(command: str, folder: Path, **more: str) -> subprocess.Popen[bytes]:
    """Start a command with an empty folder for its outputs."""
    shutil.rmtree(folder / "made", ignore_errors=True)
    return subprocess.Popen(
        command.split(),
        cwd=folder,
        env=environment(**more),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def check_outputs(folder: Path, *, leftovers: bool = False) -> bool:
    """Return whether there are outputs; raise WentWrongError where one is not whole."""
    made = folder / "made"
    left = [path.name for path in made.rglob(".moskit-*")] if made.is_dir() else []
    if left and not leftovers:
        raise WentWrongError(f"left {left}")
    whole = [path for path in made.rglob("*") if path.is_file() and path.name[0] != "."]
    for path in whole:
        if path.name == "d.json":  # an export has no record
            continue
        try:
            outcome = provenance.verify(path, roots=[made])
        except provenance.MoskitError as error:
            if not leftovers:  # killed before the record was there
                raise WentWrongError(f"{path.name}: {error}") from error
            continue
        if not outcome.ok:
            raise WentWrongError(f"{path.name}: {list(outcome.problems())}")
    return bool(whole)


def seconds_of(command: str, folder: Path) -> float:
    """Return how long a command takes undisturbed; it must succeed."""
    begun = time.monotonic()
    process = start(command, folder)
    _, told = process.communicate(timeout=300)
    if process.returncode != 0 or not check_outputs(folder):
        raise WentWrongError(f"{command}: {told.decode()}")
    return time.monotonic() - begun


def send_signals(folder: Path, times: int, names: Sequence[str]) -> Iterator[str]:
    """Interrupt commands at random moments, one to three times; yield what happened each time."""
    dice = random.Random()
    took = {name: seconds_of(COMMANDS[name], folder) for name in names}
    for _ in range(times):
        name = dice.choice(names)
        moment = dice.uniform(0.04, took[name] * 1.1)
        process = start(COMMANDS[name], folder)
        time.sleep(moment)
        sent = [dice.choice((signal.SIGINT, signal.SIGTERM, signal.SIGHUP)) for _ in range(3)]
        for number in sent[: dice.randint(1, 3)]:
            process.send_signal(number)
            time.sleep(dice.choice((0, 0.001, 0.02)))
        _, told = process.communicate(timeout=120)
        where = f"{name} after {moment:.3f} s, {sent}: {process.returncode} {told.decode()}"
        made = check_outputs(folder)
        if process.returncode < 0 or (b"Traceback" in told and process.returncode == 1):
            if made or moment > 0.25:
                raise WentWrongError(where)
            yield "before Python had started"
        elif process.returncode not in (0, 130) or b"Traceback" in told:
            raise WentWrongError(where)
        elif process.returncode == 130 and made and name != "batch":
            raise WentWrongError(f"130 with outputs: {where}")
        elif process.returncode == 0 and not made:
            raise WentWrongError(f"0 without outputs: {where}")
        else:
            yield f"ended with {process.returncode}"


def send_kills(folder: Path, times: int, names: Sequence[str]) -> Iterator[str]:
    """Kill commands at random moments; yield what happened each time."""
    dice = random.Random()
    took = {name: seconds_of(COMMANDS[name], folder) for name in names}
    for attempt in range(times):
        name = dice.choice(names)
        process = start(COMMANDS[name], folder)
        time.sleep(dice.uniform(0.2, took[name]))
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        left = "outputs" if check_outputs(folder, leftovers=True) else "none"
        if attempt % 10 == 0:  # the next run in the same folder works, and tidies up
            subprocess.run(
                COMMANDS[name].split(),
                cwd=folder,
                env=environment(),
                check=True,
                capture_output=True,
            )
            check_outputs(folder)
        yield f"left {left}"


def build_shim(folder: Path) -> Path:
    """Compile the library that fails writes; needs a C compiler."""
    source, shim = folder / "shim.c", folder / "shim.so"
    source.write_text(SHIM, encoding="utf-8")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", shim, source, "-ldl"], check=True)
    return shim


def fail_write(folder: Path, shim: Path, name: str, at: int, code: int, *, stays: bool) -> int:
    """Fail one write of a command, or it and all later ones.

    Args:
        folder: What `prepare` has filled.
        shim: The library that `build_shim` has compiled.
        name: The command.
        at: The number of the write, from 1.
        code: The system's error number.
        stays: Fail all later writes, too.

    Returns:
        The exit code. What must not be left raises WentWrongError.
    """
    settings = {
        "LD_PRELOAD": str(shim),
        "FAULT_FOLDER": str(folder / "made"),
        "FAULT_AT": str(at),
        "FAULT_ERRNO": str(code),
        **({"FAULT_STAYS": "1"} if stays else {}),
    }
    process = start(COMMANDS[name], folder, **settings)
    _, told = process.communicate(timeout=300)
    where = f"{name}, write {at} fails with {code}: {process.returncode} {told.decode()}"
    try:
        made = check_outputs(folder)
    except WentWrongError as error:
        raise WentWrongError(f"{where}: {error}") from error
    if b"Traceback" in told or process.returncode not in (0, 1, 74):
        raise WentWrongError(where)
    if process.returncode == 74 and made and name != "batch":
        raise WentWrongError(f"74 with outputs: {where}")
    return process.returncode


def fail_writes(folder: Path, names: Sequence[str], most: int = 1_000) -> Iterator[str]:
    """Fail each write of each command, once or permanently; yield what happened each time."""
    shim = build_shim(folder)
    for name in names:
        for code, stays in ((ENOSPC, True), (EIO, False)):
            fine = 0
            for at in range(1, most + 1):
                ended = fail_write(folder, shim, name, at, code, stays=stays)
                yield f"{name}: ended with {ended}"
                fine = fine + 1 if ended == 0 else 0
                if fine == MAY_FAIL:
                    break  # it has fewer writes than that


def main() -> None:
    """Run a campaign and print what happened how often."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("campaign", choices=["signals", "kills", "faults"])
    parser.add_argument("times", type=int, nargs="?", default=300)
    parser.add_argument("--command", action="append", choices=sorted(COMMANDS))
    options = parser.parse_args()
    names = options.command or list(COMMANDS)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary).resolve()
        prepare(folder)
        if options.campaign == "faults":
            events = fail_writes(folder, names)
        else:
            campaign = send_signals if options.campaign == "signals" else send_kills
            events = campaign(folder, options.times, names)
        counts = Counter(events)
    for event, count in sorted(counts.items()):
        print(f"{count:6}  {event}")


if __name__ == "__main__":
    main()

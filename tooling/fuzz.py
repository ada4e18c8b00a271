"""Search for inputs that break a reader, guided by coverage: ``uv run nox -s fuzz``.

Each target reads a file of one kind, as the tests in ``tests/test_fuzzing.py`` do. An input fails
if an error other than MoskitError escapes, if it takes longer than five seconds or more than the
memory limit, or if an output is left after an error. Atheris chooses the inputs; if it is not
installed, they are damaged at random. What fails is kept in ``.cache/fuzz``.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import os
import pkgutil
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FOUND = ROOT / ".cache" / "fuzz"
SECONDS_OF_ONE = 5
MEMORY_MB = 2_048
NOT_FUZZED = ("__main__", ".cli", ".mlp", ".comparison", ".baselines")
PACKAGES = ["provenance", "labeljoin", "secondopinion", "signalaudit", "moshead"]


def load_cases() -> ModuleType:
    """Import the tests that damage files."""
    path = ROOT / "tests" / "test_fuzzing.py"
    specification = importlib.util.spec_from_file_location(path.stem, path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def read_head(folder: Path, name: str) -> None:
    """Open a head as prediction does."""
    from moshead.predict.headfile import read_head

    read_head(folder / name).session()


def read_envelope(folder: Path, name: str) -> None:
    """Read a file of signatures."""
    from provenance.record.signatures import read_envelopes

    read_envelopes(folder / name)


def write_envelope(folder: Path) -> None:
    """Write an envelope around an empty statement."""
    envelope = (
        '{"payload": "eyJzdWJqZWN0IjpbeyJkaWdlc3QiOnsic2hhMjU2IjoiYWIifX1dfQ==", "payloadType": '
        '"application/vnd.in-toto+json", "signatures": [{"keyid": "ab", "sig": "YWI="}]}'
    )
    (folder / "record.intoto.jsonl").write_text(envelope, encoding="utf-8")


def write_head(folder: Path) -> None:
    """Train a head in a moment."""
    import moshead
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = range(60)
    columns: dict[str, list[Any]] = {"clip_id": [f"c{n}" for n in rows]}
    dice = random.Random(1)
    columns |= {name: [dice.random() for _ in rows] for name in ("a", "b")}
    columns["mos"] = [1 + 3 * a + dice.random() for a in columns["a"]]
    pq.write_table(pa.table(columns), folder / "train.parquet")
    (folder / "fuzz.toml").write_text('id = "f-v1"\ncolumns = ["a", "b"]\n', encoding="utf-8")
    moshead.train(
        features=[folder / "train.parquet"],
        feature_schema=folder / "fuzz.toml",
        model_id="f",
        training=moshead.TrainingOptions(k_folds=2, seeds=1, other_partitions=0),
        destinations=moshead.Destinations(onnx=folder / "head.onnx"),
    )
    for name in ("head.json", "head_card.md", "head_card.png"):
        (folder / name).unlink(missing_ok=True)


FILES = {"read_head": write_head, "read_envelope": write_envelope}
"""What writes the files of targets that the tests do not have."""


def targets(cases: ModuleType) -> dict[str, tuple[Callable[[Path, str], None], str]]:
    """Return what is fuzzed, by name: a reader and the file that it reads."""
    found = {f"{use.__name__}-{name}": (use, name) for use, name in cases.CASES}
    found["read_head"] = (read_head, "head.onnx")
    found["read_envelope"] = (read_envelope, "record.intoto.jsonl")
    return found


def one_input(use: Callable[[Path, str], None], folder: Path, name: str) -> Callable[[bytes], None]:
    """Return a function that lets ``use`` read some bytes, and raises where they break it."""
    import provenance
    from provenance.toolkit import VerdictError

    def run(data: bytes) -> None:
        (folder / name).write_bytes(data)
        verdict = refused = False
        try:
            use(folder, name)
        except VerdictError:
            verdict = True
        except provenance.MoskitError:
            refused = True
        except AssertionError:
            pass  # a case that found a damaged record good: the bytes may be the sound ones
        left = [path.name for path in (folder / "out").iterdir()]
        for path in (folder / "out").iterdir():
            path.unlink()
        if refused and left:
            raise RuntimeError(f"an error left {left}")
        if verdict and any(not path.endswith(".json") for path in left):
            raise RuntimeError(f"a verdict left {left}")

    return run


def fuzz_one(target: str, seconds: int) -> None:
    """Fuzz one target in this process; ends with another exit code than 0 if an input fails."""
    try:
        import atheris
    except ImportError:
        atheris = None
    guided: Any = contextlib.nullcontext()
    if atheris is not None:
        guided = atheris.instrument_imports(include=PACKAGES)
    with guided:
        for package in map(importlib.import_module, PACKAGES):
            for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
                if not any(part in module.name for part in NOT_FUZZED):
                    importlib.import_module(module.name)
    cases = load_cases()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        cases.fill(folder)
        if target in FILES:
            FILES[target](folder)
        use, name = targets(cases)[target]
        sound = (folder / name).read_bytes()
        run = one_input(use, folder, name)
        if atheris is None:
            dice = random.Random()
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                data = cases.damaged(sound, dice)
                try:
                    run(data)
                except Exception:
                    FOUND.mkdir(parents=True, exist_ok=True)
                    (FOUND / f"{target}-{dice.randrange(1 << 32):08x}").write_bytes(data)
                    raise
            return
        corpus = folder / "corpus"
        corpus.mkdir()
        (corpus / "sound").write_bytes(sound)
        for number, snippet in enumerate(cases.NASTY):
            (corpus / f"{number}").write_bytes(snippet + sound)
        FOUND.mkdir(parents=True, exist_ok=True)
        settings = [
            f"-max_total_time={seconds}",
            f"-timeout={SECONDS_OF_ONE}",
            f"-rss_limit_mb={MEMORY_MB}",
            f"-artifact_prefix={FOUND}/{target}-",
            f"-max_len={max(4 * len(sound), 4096)}",
            "-verbosity=0",
            "-print_final_stats=0",
        ]
        atheris.Setup([sys.argv[0], *settings, os.fspath(corpus)], run)
        atheris.Fuzz()


def main() -> None:
    """Fuzz every target for its share of the time, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "seconds", type=int, nargs="?", default=600, help="for all targets together"
    )
    parser.add_argument("--target", help="this one alone, in this process")
    options = parser.parse_args()
    if options.target:
        fuzz_one(options.target, options.seconds)
        return
    names = list(targets(load_cases()))
    share = max(options.seconds // len(names), 5)
    failed = []
    for name in names:
        command = [sys.executable, __file__, str(share), "--target", name]
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", check=False
        )
        print(f"{'failed' if done.returncode else 'passed'}  {name}", flush=True)
        if done.returncode:
            print(done.stdout[-2_000:], done.stderr[-4_000:], flush=True)
            failed.append(name)
    if failed:
        raise SystemExit(
            f"{len(failed)} of {len(names)} targets failed; their inputs are in {FOUND}"
        )


if __name__ == "__main__":
    main()

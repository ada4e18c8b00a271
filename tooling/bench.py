"""Run all benchmarks and write one table: ``uv run nox -s bench``.

Each ``benchmarks/<name>.py --out-json PATH`` writes ``title``, ``setting`` and ``measurements``. A
measurement has a name, a unit, moskit's value, the peer's value, and their ratio, which is above 1
if moskit is better. The results go to ``benchmarks/results.json`` and ``results.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
LIBRARIES = (
    "duckdb",
    "numpy",
    "onnxruntime",
    "pandas",
    "polars",
    "pyarrow",
    "scikit-learn",
    "torch",
)


def run_benchmark(script: Path, *, quick: bool = False) -> dict[str, Any]:
    """Run one benchmark in a separate process and return its results."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "result.json"
        flags = ["--quick"] if quick else []
        subprocess.run([sys.executable, script, "--out-json", out, *flags], check=True)
        result: dict[str, Any] = json.loads(out.read_text("utf-8"))
    return {"name": script.stem, **result}


def describe_machine() -> dict[str, Any]:
    """Return the processor, cores, memory, system, Python and libraries."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    versions = {}
    for name in LIBRARIES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**30),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "libraries": versions,
    }


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def render_markdown(document: dict[str, Any]) -> str:
    """Return the table that the docs show, ratios first."""
    return "\n".join(_markdown_lines(document)) + "\n"


def _markdown_lines(document: dict[str, Any]) -> Iterator[str]:
    machine = document["machine"]
    libraries = ", ".join(f"{name} {number}" for name, number in machine["libraries"].items())
    yield (
        f"Measured on {machine['cores']} cores of {machine['processor']}, "
        f"{machine['memory_gib']} GiB, {machine['system']}, Python {machine['python']} "
        f"({libraries}). A ratio above 1 means that moskit is better."
    )
    for result in document["benchmarks"]:
        yield f"\n## {result['title']}\n\n{result['setting']}\n"
        yield "| ratio | what | measure | moskit | peer | peer's |"
        yield "| ---: | --- | --- | ---: | --- | ---: |"
        for row in result["measurements"]:
            # Some measurements have a goal instead of a peer, or neither.
            ratio = f"**{row['ratio']:.2g}×**" if "ratio" in row else "–"
            peer = f"{row['peer']} | {row['peer_value']:.3g}" if "peer" in row else "– | –"
            yield f"| {ratio} | {row['what']} | {row['measure']} | {row['moskit']:.3g} | {peer} |"


def main() -> None:
    """Run the benchmarks named on the command line, by default all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="benchmarks to run (default: all)")
    parser.add_argument("--quick", action="store_true", help="use small data and save no results")
    arguments = parser.parse_args()
    scripts = [
        script
        for script in sorted(BENCHMARKS.glob("*.py"))
        if not arguments.names or script.stem in arguments.names
    ]
    results = [run_benchmark(script, quick=arguments.quick) for script in scripts]
    document = {"machine": describe_machine(), "benchmarks": results}
    table = render_markdown(document)
    print(table)
    if arguments.quick:
        return
    kept = BENCHMARKS / "results.json"
    if arguments.names and kept.exists():
        earlier = json.loads(kept.read_text("utf-8"))["benchmarks"]
        fresh = {result["name"]: result for result in results}
        names = sorted({result["name"] for result in earlier} | fresh.keys())
        by_name = {result["name"]: result for result in earlier} | fresh
        document["benchmarks"] = [by_name[name] for name in names]
    kept.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    (BENCHMARKS / "results.md").write_text(render_markdown(document), encoding="utf-8")


if __name__ == "__main__":
    main()

"""Time the README's first command: ``uv run nox -s newcomer``.

Clones this repository into an empty folder and runs the command there, with an empty home, empty
caches, and only Python and pip installed. Prints the numbers that the README has: the seconds to
the first labelled table and to the end, and the size of the environment.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COMMAND = "pip install uv && uv run examples/quickstart.py"
FIRST_TABLE = Path("quickstart-output/labelled.parquet")


def bare_environment(home: Path, python: Path) -> dict[str, str]:
    """Return the environment variables without those of uv, virtual environments and caches."""
    ours = ("UV_", "VIRTUAL_ENV", "PYTHON", "XDG_", "NOX_", "PIP_CACHE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | {"HOME": str(home), "PATH": f"{python}{os.pathsep}/usr/bin{os.pathsep}/bin"}


def bytes_under(folder: Path) -> int:
    """Return the size of all files in a folder."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())


def main() -> None:
    """Clone, run and measure once."""
    if COMMAND not in (ROOT / "README.md").read_text("utf-8"):
        raise SystemExit(f"the first command in the README is not `{COMMAND}`")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        python = Path(sys.base_prefix, "bin", "python3")
        subprocess.run([python, "-m", "venv", folder / "python"], check=True)
        (folder / "home").mkdir()
        environment = bare_environment(folder / "home", folder / "python" / "bin")
        clone = folder / "moskit"
        start, started = time.perf_counter(), time.time()
        subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
        subprocess.run(COMMAND, shell=True, cwd=clone, env=environment, check=True)
        end = time.perf_counter() - start
        first = (clone / FIRST_TABLE).stat().st_mtime - started
        size = bytes_under(folder / "home" / ".cache" / "uv" / "environments-v2") / 1e9
        held = list(
            (folder / "home" / ".cache" / "uv").glob("environments-v2/*/lib/*/site-packages")
        )
        packages = len([*held[0].glob("*.dist-info")])
    print(
        f"\nclone to first labelled table: {first:.0f} s; to the end: {end:.0f} s; "
        f"environment: {size:.2f} GB, {packages} packages; {os.cpu_count()} cores"
    )


if __name__ == "__main__":
    main()

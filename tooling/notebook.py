"""Execute a notebook and write it back with its outputs: ``uv run tooling/notebook.py PATH``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient


def executed(path: Path) -> Any:
    """Return the notebook at ``path`` after a run in an empty folder.

    Args:
        path: The notebook.
    """
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        NotebookClient(
            notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": folder}}
        ).execute()
    for cell in notebook.cells:
        cell.metadata.clear()  # times of execution
        for output in cell.get("outputs", ()):
            if "text/html" in output.get("data", {}):
                del output.data["text/plain"]  # the whole document, which nobody reads here
    notebook.metadata = {"kernelspec": notebook.metadata["kernelspec"]}
    return notebook


def main() -> None:
    """Execute the notebooks that the command line names."""
    for name in sys.argv[1:]:
        nbformat.write(executed(Path(name)), name)


if __name__ == "__main__":
    main()

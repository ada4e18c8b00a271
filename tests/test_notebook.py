"""The notebook of the examples runs, and shows what it showed when it was saved."""

from __future__ import annotations

import re
from typing import Any

import nbformat
import pytest
from notebook import executed
from workspace import ROOT

PATH = ROOT / "examples" / "frames.ipynb"


def shown(notebook: Any) -> list[str]:
    """Return the HTML of each code cell, with its words only: libraries draw tables differently."""
    pages = [
        output["data"]["text/html"]
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if output.output_type == "execute_result"
    ]
    return [" ".join(re.findall(r'(?<=class="kind">)[^<]+|<caption>[^<]+', page)) for page in pages]


@pytest.mark.filterwarnings("ignore")  # of Jupyter's own threads and sockets
def test_the_notebook_shows_what_it_was_saved_with() -> None:
    saved = nbformat.read(PATH, as_version=4)
    now = executed(PATH)
    assert shown(now) == shown(saved)
    assert [text.partition(" ")[0] for text in shown(saved) if text] == [
        "Label",
        "Second",
        "Signal-mix",
        "Comparison",
        "Head",
    ]

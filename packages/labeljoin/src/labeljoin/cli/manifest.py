"""``labeljoin manifest``."""

from __future__ import annotations

from typing import Annotated, Literal

import typer
from provenance.toolkit import Output


def manifest(
    output: Output,
    corpus: Annotated[
        Literal[
            "konvid-1k",
            "konvid-150k",
            "chug",
            "live-vqc",
            "youtube-ugc",
            "lsvq",
            "bvi",
            "beyond8bits",
            "brightvq",
        ],
        typer.Argument(help="The corpus."),
    ],
) -> None:
    """Print a ready manifest for a public corpus.

    Adapt its paths and give it to batch.
    """
    import json

    import labeljoin

    output.text(json.dumps(labeljoin.batch.corpus_manifest(corpus), indent=2, ensure_ascii=False))

"""``secondopinion batch``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labeljoin.cli import batch_command

if TYPE_CHECKING:
    from labeljoin.batch import BatchJob


def _score_batch() -> BatchJob:
    from secondopinion.joining import SCORE_BATCH

    return SCORE_BATCH


batch = batch_command(
    _score_batch,
    """Add second opinions to every table of a manifest.

    Tables, and parts of a directory, run side by side with --jobs or --scheduler. If one table
    fails, the others still run.
    """,
)

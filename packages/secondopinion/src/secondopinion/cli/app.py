"""The command ``secondopinion``."""

from __future__ import annotations

from labeljoin.cli import BATCH
from provenance.toolkit import CommandLine

from secondopinion.cli.batch import batch
from secondopinion.cli.inspect import inspect
from secondopinion.cli.join import join

cli = CommandLine(
    "moskit-secondopinion",
    "Join the scores that third-party quality models have already written.",
)

cli.command(
    example="secondopinion join features.parquet --scores dover.csv --scores niqe=niqe.csv "
    "-o with-opinions.parquet",
    table="features",
)(join)
cli.command(
    example="secondopinion inspect dover.csv 'logs/*.json' --features features.parquet",
    table="scores",
)(inspect)
cli.command(
    example="secondopinion batch opinions.json -o report.md --jobs 4",
    **BATCH,
)(batch)


def main() -> None:
    """Run the command ``secondopinion``."""
    cli.run()

"""The command ``secondopinion``."""

from __future__ import annotations

from provenance.toolkit import CommandLine

from secondopinion.cli.batch import batch
from secondopinion.cli.inspect import inspect
from secondopinion.cli.join import join

cli = CommandLine(
    "moskit-secondopinion",
    "Join the scores that third-party quality models have already written.",
)

cli.command(
    example="secondopinion join --features features.parquet --scores dover.csv "
    "--scores niqe=niqe.csv --out with-opinions.parquet"
)(join)
cli.command(
    example="secondopinion inspect --scores dover.csv --scores 'logs/*.json' "
    "--features features.parquet"
)(inspect)
cli.command(
    example="secondopinion batch --manifest opinions.json --report-json report.json "
    "--report-md report.md"
)(batch)


def main() -> None:
    """Run the command ``secondopinion``."""
    cli.run()

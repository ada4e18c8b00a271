"""The command ``secondopinion``."""

from __future__ import annotations

from provenance.command import CommandLine

from secondopinion.commands.batch import batch
from secondopinion.commands.inspect import inspect
from secondopinion.commands.join import join

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

"""The command ``labeljoin``."""

from __future__ import annotations

from provenance.toolkit import CommandLine

from labeljoin.cli.batch import BATCH, batch
from labeljoin.cli.inspect import inspect
from labeljoin.cli.join import join
from labeljoin.cli.manifest import manifest
from labeljoin.cli.ratings import ratings

cli = CommandLine("moskit-labeljoin", "Join MOS labels onto video-quality feature tables.")

cli.command(
    example="labeljoin join features.parquet --labels labels.csv -o labelled.parquet",
    table="features",
)(join)
cli.command(example="labeljoin batch manifest.json --report-md report.md --jobs 4", **BATCH)(batch)
cli.command(example="labeljoin inspect features.parquet --labels labels.csv", table="features")(
    inspect
)
cli.command(
    example="labeljoin ratings votes.csv -o mos.csv --out-html ratings.html", table="ratings"
)(ratings)
cli.command(example="labeljoin manifest konvid-1k > manifest.json")(manifest)


def main() -> None:
    """Run the command line."""
    cli.run()

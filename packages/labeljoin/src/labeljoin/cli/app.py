"""The command ``labeljoin``."""

from __future__ import annotations

from provenance.toolkit import CommandLine

from labeljoin.cli.batch import batch
from labeljoin.cli.inspect import inspect
from labeljoin.cli.join import join
from labeljoin.cli.manifest import manifest
from labeljoin.cli.ratings import ratings

cli = CommandLine("moskit-labeljoin", "Join MOS labels onto video-quality feature tables.")

cli.command(
    example="labeljoin join --features features.parquet --labels labels.csv --out labelled.parquet"
)(join)
cli.command(example="labeljoin batch --manifest manifest.json --report-md report.md --jobs 4")(
    batch
)
cli.command(example="labeljoin inspect --features features.parquet --labels labels.csv")(inspect)
cli.command(example="labeljoin ratings --ratings votes.csv --out mos.csv --out-html ratings.html")(
    ratings
)
cli.command(example="labeljoin manifest konvid-1k > manifest.json")(manifest)


def main() -> None:
    """Run the command line."""
    cli.run()

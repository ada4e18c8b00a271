"""The ``provenance`` command."""

from __future__ import annotations

from typing import NoReturn

from provenance.cli import clean, export, replay, show, sign, trace, verify
from provenance.toolkit import CommandLine

cli = CommandLine(
    "moskit-provenance",
    "Show, verify, trace, replay, export and sign the records of moskit runs.",
)

for module in (show, verify, trace, replay, export, sign, clean):
    module.register(cli)


def main() -> NoReturn:
    """Run the ``provenance`` command line."""
    cli.run()

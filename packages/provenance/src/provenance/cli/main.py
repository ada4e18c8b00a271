"""The console script ``provenance``."""

from __future__ import annotations

from provenance.toolkit import start_command


def main() -> None:
    """Run the command line of this process; interrupts are heard before anything is imported."""
    start_command("provenance.cli.app")

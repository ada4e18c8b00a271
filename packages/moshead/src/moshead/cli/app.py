"""The ``moshead`` command line."""

from __future__ import annotations

from provenance.toolkit import CommandLine

from moshead.cli import compare, plan, predict, recalibrate, register, train, validate

cli = CommandLine("moskit-moshead", "Train, judge, export and run tiny MOS heads.")
train.register(cli)
plan.register(cli)
validate.register(cli)
predict.register(cli)
recalibrate.register(cli)
compare.register(cli)
register.register(cli)


def main() -> None:
    """Run the command line of this process."""
    cli.run()

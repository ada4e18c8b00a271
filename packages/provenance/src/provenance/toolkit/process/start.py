"""Starting a command, with interrupts heard before its modules are imported."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import NoReturn

from provenance.toolkit.errors import EXIT_INTERRUPTED
from provenance.toolkit.process.interruption import (
    hear_interrupts,
    ignore_interrupts,
    was_interrupted,
)
from provenance.toolkit.process.streams import guard_streams


def start_command(module: str) -> NoReturn:
    """Import a module and call its ``main``; what a console script does first.

    An interrupt while modules are imported ends the process with 130 and a sentence. Libraries that
    are interrupted then raise errors of many kinds.

    Args:
        module: The module of the command line, such as ``labeljoin.cli.app``.

    Examples:
        >>> import subprocess
        >>> code = "from provenance.toolkit import *; start_command('provenance.cli.app')"
        >>> shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        >>> shown.returncode
        2
    """
    hear_interrupts()
    guard_streams()
    try:
        import_module(module).main()
    except (Exception, KeyboardInterrupt):
        if not was_interrupted():
            raise
    ignore_interrupts()
    print("error: Interrupted; no unfinished output was written.", file=sys.stderr)
    sys.exit(EXIT_INTERRUPTED)

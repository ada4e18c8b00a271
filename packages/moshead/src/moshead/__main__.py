"""``python -m moshead``."""

from moshead.cli.app import main

main()

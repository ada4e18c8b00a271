"""``python -m moshead``."""

from moshead.cli.main import main

main()

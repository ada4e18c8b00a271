"""``python -m moshead``."""

from moshead.cli import main

main()

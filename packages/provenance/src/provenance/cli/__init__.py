"""The ``provenance`` command, one module a subcommand."""

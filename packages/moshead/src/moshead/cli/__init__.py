"""The ``moshead`` command, one module a subcommand."""

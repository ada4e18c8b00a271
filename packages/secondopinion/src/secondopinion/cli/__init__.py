"""The ``secondopinion`` command, one module a subcommand."""

"""The ``labeljoin`` command, one module a subcommand."""

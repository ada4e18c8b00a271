"""The ``signalaudit`` command."""

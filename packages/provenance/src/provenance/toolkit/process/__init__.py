"""The process of a command: its standard streams, its signals, its start and its end."""

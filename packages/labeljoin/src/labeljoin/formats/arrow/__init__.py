"""Arrow IPC files (Feather version 2): read them, and write them with more columns."""

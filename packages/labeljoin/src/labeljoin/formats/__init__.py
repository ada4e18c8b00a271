"""Table formats: read a table, and add columns to it, one folder a format."""

"""Run records: how they are written, read, found, and checked against files."""

"""Checks of a record: verify its files, or replay its command."""

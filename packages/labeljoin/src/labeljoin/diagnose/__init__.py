"""Suggestions for joins whose keys do not match."""

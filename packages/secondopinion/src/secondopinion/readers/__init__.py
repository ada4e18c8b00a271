"""Readers of score files, one module a layout."""

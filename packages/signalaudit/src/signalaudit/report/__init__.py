"""Audit documents and their comparison, as JSON, Markdown and one HTML page."""

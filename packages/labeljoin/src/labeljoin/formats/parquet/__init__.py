"""Parquet tables: read them, and splice columns into them."""

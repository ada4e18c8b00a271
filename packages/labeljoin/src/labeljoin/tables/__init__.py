"""Feature and label tables: one reader for parquet, JSONL, JSON and CSV, files or directories."""

from labeljoin.tables.opening import open_table
from labeljoin.tables.table import Format, Table, column_values

__all__ = ["Format", "Table", "column_values", "open_table"]

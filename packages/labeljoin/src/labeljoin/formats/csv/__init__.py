"""CSV and TSV tables: read them, and rewrite them with more columns."""

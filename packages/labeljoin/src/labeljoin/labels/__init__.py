"""Label tables: sources, conflicts, extra columns and rating scales."""

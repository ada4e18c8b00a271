"""Run records in standard formats, one module a format."""

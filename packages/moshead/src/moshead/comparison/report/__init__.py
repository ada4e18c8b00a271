"""The reports of a comparison: sentences, tables, figures and one page."""

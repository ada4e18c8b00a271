"""The look that all pages share: escaping, templates, and summaries for notebooks."""

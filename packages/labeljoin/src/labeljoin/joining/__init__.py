"""Join labels onto feature tables: options, plan, coverage, audit and output."""

"""Join scores onto feature tables: options, plan, audit and output."""

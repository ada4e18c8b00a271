"""The commands of moshead, one module for each kind."""

"""Known scorers: their scales and directions, and the columns they get."""

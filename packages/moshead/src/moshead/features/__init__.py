"""Feature schemas, and the matrix that is read from a table by one."""

"""A run from start to end: inputs, staged outputs, locks, and the record that it leaves."""

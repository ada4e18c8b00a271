"""The gate: statistics, thresholds, and how many clips a verdict needs."""

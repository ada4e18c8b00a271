"""Labelled rows of a corpus: sources, labels, leakage checks and fingerprints."""

"""Predictions of an exported head, and its validation on held-out clips."""

"""Correlation, bootstrap intervals and ridge regression."""

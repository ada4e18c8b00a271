"""Clip keys: the rule that derives them, their columns, counts and matches."""

"""Twins: held-out rows that a net has seen under another key."""

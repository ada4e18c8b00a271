"""Outputs of a run in object stores."""

"""Attach columns to tables of any format, on one machine or a cluster."""

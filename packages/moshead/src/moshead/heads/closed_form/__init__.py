"""Fits without randomness: transforms, terms, centres, and exact leave-one-out."""

"""The commands of ``provenance``, one module each."""

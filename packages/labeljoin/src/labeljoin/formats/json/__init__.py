"""JSON documents: read their rows, and rewrite them with more members."""

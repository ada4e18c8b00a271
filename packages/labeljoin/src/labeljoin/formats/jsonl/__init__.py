"""JSON Lines tables: read them, and splice members into their lines."""

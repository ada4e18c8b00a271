"""Methods that make MOS of votes, and how precise the result is."""

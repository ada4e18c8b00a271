"""Score files, the rows read from them, and the opinions they make."""

"""The audited table: signal families, columns, score directions and the rows read."""

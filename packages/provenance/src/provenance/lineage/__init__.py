"""Where a file came from: the graph of runs and files, traced and drawn."""

"""Training runs: folds, cross-validation, and the trainer of each corpus."""

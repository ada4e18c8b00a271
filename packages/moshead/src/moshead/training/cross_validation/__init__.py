"""Cross-validation: fit folds by seeds, judge them by the gate, fit the head that ships."""

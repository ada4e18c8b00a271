"""Reading ratings: which columns, which layout, which votes count."""

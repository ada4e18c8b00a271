"""The neural net: its recipe, its start in closed form, and its training with torch."""

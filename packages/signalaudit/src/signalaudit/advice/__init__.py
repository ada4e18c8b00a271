"""Next steps: stated rules that turn the findings about a table into recommendations."""

"""What every command of every package uses: the command line, errors, JSON and terminal facts."""

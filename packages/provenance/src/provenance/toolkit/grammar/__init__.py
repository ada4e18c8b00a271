"""What the commands of all packages have in common: options, outputs and configuration."""

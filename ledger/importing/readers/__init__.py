"""Sources that people already have, read into commands. Pure but for reading the files."""

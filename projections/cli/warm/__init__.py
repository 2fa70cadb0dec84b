"""A process that has the program loaded, and is forked for a command instead of loading it again."""

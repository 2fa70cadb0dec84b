"""The command line: a folder for each group of commands. It never imports `mcp`."""

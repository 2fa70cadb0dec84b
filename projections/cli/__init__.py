"""The command line: in folders by what the commands are for. It never imports `mcp`."""

"""What waited reaches the database: in order, each command with a verdict of its own."""

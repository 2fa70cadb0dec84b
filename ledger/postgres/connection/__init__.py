"""From settings to a connection that can be used, and back when it is lost."""

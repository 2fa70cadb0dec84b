"""The web console: pages and forms over the same operations that assistants call."""

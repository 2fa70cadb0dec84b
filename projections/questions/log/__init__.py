"""Questions that the log answers."""

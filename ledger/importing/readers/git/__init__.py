"""A git history, read into deployments, work items and vendors."""

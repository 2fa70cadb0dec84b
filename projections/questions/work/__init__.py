"""What can be asked of work items."""

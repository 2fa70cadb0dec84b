"""What a work item admits, a module for each part of its life."""

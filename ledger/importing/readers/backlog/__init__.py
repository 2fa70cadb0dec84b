"""Folders of Backlog.md, read into work items."""

"""What a process asks of its machine: files that are written whole or not at all, work in the background."""

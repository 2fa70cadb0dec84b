"""What a source tells of all kinds of things at once, and what an import of it has to record."""

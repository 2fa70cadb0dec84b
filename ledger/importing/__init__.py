"""What a source tells of all kinds of entities at once, and what an import of it has to record."""

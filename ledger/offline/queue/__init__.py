"""Commands accepted while the database was away, and how they wait on the disk."""

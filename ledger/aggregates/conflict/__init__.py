"""A queued command that met another change: kept whole, until a person decides."""

"""A queued command that met another change: kept whole, until somebody decides."""

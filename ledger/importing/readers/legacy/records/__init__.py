"""The records of a status file, a module for each kind."""

"""How every connection is made, whatever the environment, a role, a database or a pooler says."""

"""How a project begins: a ledger, its example, and what shells, git and assistants' clients are given."""

"""The configuration of a ledger: one, versioned, there from the start with its defaults."""

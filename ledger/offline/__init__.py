"""What this machine keeps of a ledger for the time when its database is away."""

"""What keeps a ledger in order: verification, rebuilding, the status file, access tokens, background jobs."""

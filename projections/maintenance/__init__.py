"""What keeps a ledger in order: verification, rebuilding, erasure, the status file; its tokens, hooks and jobs."""

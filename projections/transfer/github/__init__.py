"""A repository's issues on GitHub and the work items of the ledger, kept the same both ways."""

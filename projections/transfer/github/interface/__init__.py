"""GitHub's REST interface: what is asked of it, and what its answers say."""

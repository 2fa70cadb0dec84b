"""The read side: what the facts add up to, and the operations that tools and commands share."""

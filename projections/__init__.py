"""The read side: what the facts add up to."""

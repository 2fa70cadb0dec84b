"""Commands that set up and administer."""

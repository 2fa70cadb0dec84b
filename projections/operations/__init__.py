"""What tools and commands do: one checked input, one plain answer. A new tool begins here."""

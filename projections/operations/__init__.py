"""What tools and commands do: one checked input, one plain answer. Whoever wants a new tool begins here."""

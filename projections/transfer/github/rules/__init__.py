"""What a synchronisation takes, sends or leaves to a decision, of each field of an item and its issue."""

"""How work items of another tracker become events."""

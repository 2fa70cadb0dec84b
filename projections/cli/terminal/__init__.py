"""What all commands share: how one is called, what it prints and how it ends."""

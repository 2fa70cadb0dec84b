"""What is decided of one stream: an aggregate each, with its commands, events, state and decider."""

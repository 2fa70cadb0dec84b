"""The parameters of commands: those that all have, and how days, lengths and points in time are typed."""

"""How messages come in and answers go out: standard streams, and what the HTTP server checks and keeps of requests."""

"""What the HTTP server checks and keeps of requests."""

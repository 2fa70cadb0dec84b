"""Webhooks: events sent to addresses over HTTP, signed, at least once and in order."""

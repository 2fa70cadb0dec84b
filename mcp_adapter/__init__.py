"""The assistants' edge: tool calls in, compact answers out."""

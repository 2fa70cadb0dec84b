"""The operations for programs: one POST of a JSON object each, and their description in OpenAPI."""

"""Task lists of coding assistants."""

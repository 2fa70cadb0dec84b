"""Task lists that one person keeps in files."""

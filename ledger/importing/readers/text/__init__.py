"""How the text of a file is taken apart."""

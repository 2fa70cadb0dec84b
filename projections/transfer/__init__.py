"""Import, export and move: how records come in from elsewhere and go out."""

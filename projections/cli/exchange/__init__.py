"""Commands of import and export, and for scripts."""

"""Enhancements: what is planned for later, in which order, and how far it came."""

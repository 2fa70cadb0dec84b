"""Erasures: texts that were recorded and are made unreadable for good, in every copy of the log."""

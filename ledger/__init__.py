"""The write side: what may happen, and the record that it did."""

__version__ = "0.1.0"

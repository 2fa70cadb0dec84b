"""Seeded runs of real clients under faults, and a checker that names every answer that was not true."""

"""Vendors: who delivers documents, how well they are read, and the runs that showed it."""

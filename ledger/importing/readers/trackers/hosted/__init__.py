"""Trackers that a company hosts, by the files that they export."""

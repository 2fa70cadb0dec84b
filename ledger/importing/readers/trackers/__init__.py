"""Readers of the files of other trackers, a module for each, by whose trackers they are."""

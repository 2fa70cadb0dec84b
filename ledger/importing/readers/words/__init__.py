"""What the states and times mean that people and trackers write."""

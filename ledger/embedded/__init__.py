"""A private PostgreSQL server: its programs, its data folder, its account, its life."""

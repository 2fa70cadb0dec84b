"""Answers that look at the whole ledger: its status report, and what waits for one person."""

"""Commands that show reports and history."""

"""PostgreSQL: the only place that speaks to its driver on the write side."""

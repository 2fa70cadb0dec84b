"""The read models: which columns each has, and how events become rows."""

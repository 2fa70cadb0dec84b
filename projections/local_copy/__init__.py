"""This machine's copy of the read models: a cache over the journal, and queued changes over the cache."""

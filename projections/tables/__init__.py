"""Where rows of read models are kept, and how a replay rebuilds them."""

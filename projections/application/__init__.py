"""One ledger as this process sees it: what is opened and closed, commands, synchronisation."""

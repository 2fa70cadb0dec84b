-- Waits until this transaction alone may append to the ledger. Readers never wait for it.
CREATE OR REPLACE FUNCTION tracking_ledger.lock_ledger(p_ledger uuid) RETURNS void
LANGUAGE sql AS $$
    SELECT pg_advisory_xact_lock(hashtextextended(p_ledger::text, 0))
$$;

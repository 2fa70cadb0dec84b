-- Waits until this transaction alone may append to the ledger. Readers never wait for it.
--
-- It is the lock of the ledger's row, to which the API functions alone have a right. An advisory lock is open to every role of the
-- database, which could then hold up the writers of a ledger whose UUID it knows.
CREATE OR REPLACE FUNCTION tracking_ledger.lock_ledger(p_ledger uuid) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM tracking_ledger.ledgers l WHERE l.ledger_id = p_ledger FOR NO KEY UPDATE;
END
$$;

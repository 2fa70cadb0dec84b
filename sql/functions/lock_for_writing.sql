-- Gives a member the ledger's lock, for work that reads and appends in one transaction.
CREATE OR REPLACE FUNCTION tracking_ledger.lock_for_writing(p_ledger uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = tracking_ledger, pg_temp AS $$
BEGIN
    PERFORM require_member(p_ledger);
    PERFORM lock_ledger(p_ledger);
END
$$;

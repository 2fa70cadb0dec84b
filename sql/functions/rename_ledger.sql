-- Gives a ledger another name, which is only shown.
CREATE OR REPLACE FUNCTION tracking_ledger.rename_ledger(p_ledger uuid, p_name text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = tracking_ledger, pg_temp AS $$
BEGIN
    PERFORM require_member(p_ledger);
    UPDATE ledgers l SET name = p_name WHERE l.ledger_id = p_ledger;
END
$$;

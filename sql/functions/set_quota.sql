-- Says how many events a ledger may have, NULL for no limit; whether there is such a ledger. For the owner only: a member
-- could lift it.
CREATE OR REPLACE FUNCTION tracking_ledger.set_quota(p_ledger uuid, p_most bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = tracking_ledger, pg_temp AS $$
BEGIN
    UPDATE ledgers l SET most_events = p_most WHERE l.ledger_id = p_ledger;
    RETURN FOUND;
END
$$;

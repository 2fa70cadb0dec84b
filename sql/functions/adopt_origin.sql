-- Lets a member set the origin of a copy: the log under this key is, or will be, that of another ledger.
CREATE OR REPLACE FUNCTION tracking_ledger.adopt_origin(p_ledger uuid, p_origin uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = tracking_ledger, pg_temp AS $$
BEGIN
    PERFORM require_member(p_ledger);
    PERFORM lock_ledger(p_ledger);
    PERFORM settle_origin(p_ledger, p_origin);
END
$$;

-- Refuses whoever is not a member of the ledger, and sets it as the one this transaction has entered.
CREATE OR REPLACE FUNCTION tracking_ledger.require_member(p_ledger uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = tracking_ledger, pg_temp AS $$
BEGIN
    IF NOT is_member(p_ledger) THEN
        RAISE EXCEPTION 'no ledger % for this role', p_ledger USING
            ERRCODE = 'TL005', DETAIL = json_build_object('ledger', p_ledger, 'role', session_user);
    END IF;
    PERFORM set_config('ledger.id', p_ledger::text, true);
END
$$;

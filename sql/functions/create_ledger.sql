-- Creates a ledger and makes the caller's role a member; for one that exists, answers whether the caller may use it.
CREATE OR REPLACE FUNCTION tracking_ledger.create_ledger(p_ledger uuid, p_name text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = tracking_ledger, pg_temp AS $$
BEGIN
    INSERT INTO ledgers (ledger_id, origin, name) VALUES (p_ledger, p_ledger, p_name) ON CONFLICT DO NOTHING;
    IF FOUND THEN
        INSERT INTO ledger_members (ledger_id, member) VALUES (p_ledger, session_user);
        RETURN true;
    END IF;
    PERFORM require_member(p_ledger);
    RETURN false;
END
$$;

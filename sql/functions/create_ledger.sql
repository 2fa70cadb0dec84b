-- Creates a ledger and makes the caller's role a member; one that exists must be the caller's, and here: neither gone to
-- another database nor on its way from one (TL004).
CREATE OR REPLACE FUNCTION tracking_ledger.create_ledger(p_ledger uuid, p_name text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = tracking_ledger, pg_temp AS $$
DECLARE
    v_ledger ledgers;
BEGIN
    INSERT INTO ledgers (ledger_id, origin, name) VALUES (p_ledger, p_ledger, p_name) ON CONFLICT DO NOTHING;
    IF FOUND THEN
        INSERT INTO ledger_members (ledger_id, member) VALUES (p_ledger, session_user);
        PERFORM require_member(p_ledger);
        INSERT INTO work_alone (ledger_id, work) VALUES (p_ledger, 'moving'), (p_ledger, 'rebuilding');
        RETURN true;
    END IF;
    PERFORM require_member(p_ledger);
    SELECT * INTO v_ledger FROM ledgers l WHERE l.ledger_id = p_ledger AND l.reason IN ('moved', 'arriving');
    IF FOUND THEN
        RAISE EXCEPTION 'ledger % is not here', p_ledger USING ERRCODE = 'TL004',
            DETAIL = json_build_object('reason', v_ledger.reason, 'successor', v_ledger.successor);
    END IF;
    RETURN false;
END
$$;

-- Refuses a role that is not a member of the ledger, and sets it as the one this transaction has entered. Called by API functions only.
CREATE OR REPLACE FUNCTION tracking_ledger.require_member(p_ledger uuid) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_entered text;
BEGIN
    IF NOT EXISTS (SELECT FROM tracking_ledger.ledger_members m WHERE m.ledger_id = p_ledger AND m.member = session_user)
       AND NOT tracking_ledger.is_member(p_ledger) THEN  -- by a role it has; seldom asked
        RAISE EXCEPTION 'no ledger % for this role', p_ledger USING
            ERRCODE = 'TL005', DETAIL = json_build_object('ledger', p_ledger, 'role', session_user);
    END IF;
    v_entered := set_config('ledger.id', p_ledger::text, true);
END
$$;

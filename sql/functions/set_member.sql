-- Lets a database role use a ledger, or no longer; answers done, no_role, or last_member for what is left as it was.
CREATE OR REPLACE FUNCTION tracking_ledger.set_member(p_ledger uuid, p_role name, p_allowed boolean) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = tracking_ledger, pg_temp AS $$
BEGIN
    PERFORM require_member(p_ledger);
    PERFORM 1 FROM ledgers l WHERE l.ledger_id = p_ledger FOR UPDATE;  -- two at once do not remove the last two
    IF p_allowed THEN
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = p_role) THEN
            RETURN 'no_role';
        END IF;
        INSERT INTO ledger_members (ledger_id, member) VALUES (p_ledger, p_role) ON CONFLICT DO NOTHING;
    ELSE
        IF NOT EXISTS (SELECT FROM ledger_members m WHERE m.ledger_id = p_ledger AND m.member <> p_role) THEN
            RETURN 'last_member';
        END IF;
        DELETE FROM ledger_members m WHERE m.ledger_id = p_ledger AND m.member = p_role;
    END IF;
    RETURN 'done';
END
$$;

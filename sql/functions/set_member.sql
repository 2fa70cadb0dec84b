-- Lets a database role use a ledger, or no longer; answers done, or why all is left as it was: no_role for one that is
-- not there (a member that is no role any more is taken out), no_right for a role
-- that may not use any ledger of this database, own_access for what would shut out the caller.
CREATE OR REPLACE FUNCTION tracking_ledger.set_member(p_ledger uuid, p_role name, p_allowed boolean) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = tracking_ledger, pg_temp AS $$
BEGIN
    PERFORM require_member(p_ledger);
    PERFORM 1 FROM ledgers l WHERE l.ledger_id = p_ledger FOR UPDATE;  -- two at once do not shut out each other
    IF p_allowed THEN
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = p_role) THEN
            RETURN 'no_role';
        END IF;
        IF NOT has_function_privilege(p_role, 'append_events'::regproc, 'EXECUTE') THEN
            RETURN 'no_right';
        END IF;
        INSERT INTO ledger_members (ledger_id, member) VALUES (p_ledger, p_role) ON CONFLICT DO NOTHING;
        RETURN 'done';
    END IF;
    DELETE FROM ledger_members m WHERE m.ledger_id = p_ledger AND m.member = p_role;
    IF NOT FOUND AND NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = p_role) THEN
        RETURN 'no_role';
    END IF;
    IF NOT is_member(p_ledger) THEN
        INSERT INTO ledger_members (ledger_id, member) VALUES (p_ledger, p_role);
        RETURN 'own_access';
    END IF;
    RETURN 'done';
END
$$;

-- Whether the caller may use a ledger: by its own name, or by a role it has.
CREATE OR REPLACE FUNCTION tracking_ledger.is_member(p_ledger uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = tracking_ledger, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM ledger_members m WHERE m.ledger_id = p_ledger AND m.member = session_user)
        OR EXISTS (SELECT FROM ledger_members m JOIN pg_catalog.pg_roles r ON r.rolname = m.member
                   WHERE m.ledger_id = p_ledger AND pg_catalog.pg_has_role(session_user, r.oid, 'MEMBER'));
END
$$;

-- Each ledger sees its own rows only, also the owner of the tables: isolation is the database's work, not ours.

CREATE FUNCTION tracking_ledger.is_member(p_ledger uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = tracking_ledger, pg_temp AS $$
    SELECT EXISTS (
        SELECT FROM ledger_members m JOIN pg_catalog.pg_roles r ON r.rolname = m.member
        WHERE m.ledger_id = p_ledger AND pg_catalog.pg_has_role(session_user, r.oid, 'MEMBER'))
$$;

-- The ledger this transaction has entered, if the session's role is a member of it; else NULL, which matches nothing.
CREATE FUNCTION tracking_ledger.entered() RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = tracking_ledger, pg_temp AS $$
    SELECT entered FROM (SELECT nullif(current_setting('ledger.id', true), '')::uuid AS entered) setting
    WHERE is_member(entered)
$$;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['events', 'projections', 'entries', 'work_items', 'vendors', 'deployments',
                                'enhancements', 'configurations'] LOOP
        EXECUTE format('ALTER TABLE tracking_ledger.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE tracking_ledger.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_ledger ON tracking_ledger.%I
                        USING (ledger_id = (SELECT tracking_ledger.entered()))', name);
    END LOOP;
END
$$;

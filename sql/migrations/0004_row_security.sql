-- Each ledger sees its own rows only: isolation is the database's work, not ours.
--
-- Whoever asks from outside must be a member of the ledger it has entered. The doors (functions that run as the owner
-- of the tables) have checked that already, so their policy compares the setting alone: it costs nothing per statement,
-- and a door that forgot a condition still sees one ledger only.

CREATE FUNCTION tracking_ledger.is_member(p_ledger uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = tracking_ledger, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM ledger_members m WHERE m.ledger_id = p_ledger AND m.member = session_user)
        OR EXISTS (SELECT FROM ledger_members m JOIN pg_catalog.pg_roles r ON r.rolname = m.member
                   WHERE m.ledger_id = p_ledger AND pg_catalog.pg_has_role(session_user, r.oid, 'MEMBER'));
END
$$;

-- The ledger this transaction has entered, if the session's role is a member of it; else NULL, which matches nothing.
CREATE FUNCTION tracking_ledger.entered() RETURNS uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = tracking_ledger, pg_temp AS $$
DECLARE
    v_entered uuid := nullif(current_setting('ledger.id', true), '')::uuid;
BEGIN
    RETURN CASE WHEN is_member(v_entered) THEN v_entered END;
END
$$;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['events', 'projections', 'entries', 'work_items', 'vendors', 'deployments',
                                'enhancements', 'configurations'] LOOP
        EXECUTE format('ALTER TABLE tracking_ledger.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE tracking_ledger.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY members ON tracking_ledger.%I FOR SELECT TO tracking_ledger_writer
                        USING (ledger_id = (SELECT tracking_ledger.entered()))', name);
        EXECUTE format($policy$CREATE POLICY doors ON tracking_ledger.%I TO CURRENT_ROLE
                        USING (ledger_id = nullif(current_setting('ledger.id', true), '')::uuid)$policy$, name);
    END LOOP;
END
$$;

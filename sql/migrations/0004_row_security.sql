-- Each ledger sees its own rows only: isolation is the database's work, not ours.
--
-- Whoever asks from outside must be a member of the ledger it has entered (the setting alone is no access control). The doors (functions that run as the owner
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

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['events', 'projections', 'entries', 'work_items', 'vendors', 'deployments',
                                'enhancements', 'configurations'] LOOP
        EXECUTE format('ALTER TABLE tracking_ledger.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE tracking_ledger.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format($policy$CREATE POLICY members ON tracking_ledger.%I FOR SELECT TO tracking_ledger_writer
                        USING (ledger_id = (SELECT m.ledger_id FROM tracking_ledger.ledger_members m
                                            WHERE m.ledger_id = nullif(current_setting('ledger.id', true), '')::uuid
                                            LIMIT 1))$policy$, name);
        EXECUTE format($policy$CREATE POLICY doors ON tracking_ledger.%I TO CURRENT_ROLE
                        USING (ledger_id = nullif(current_setting('ledger.id', true), '')::uuid)$policy$, name);
    END LOOP;
END
$$;

-- Which ledgers a role may use is seen through this policy; asking here, in plain SQL, is cheaper than calling a
-- function for every table of every question.
ALTER TABLE tracking_ledger.ledger_members ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_memberships ON tracking_ledger.ledger_members FOR SELECT TO tracking_ledger_writer
    USING (pg_has_role(to_regrole(quote_ident(member))::oid, 'MEMBER'));

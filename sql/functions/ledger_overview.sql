-- The ledgers that the caller's role is a member of, with where each stands and which roles are its members.
CREATE OR REPLACE FUNCTION tracking_ledger.ledger_overview()
RETURNS TABLE (ledger_id uuid, name text, state text, reason text, successor text, created_at timestamptz,
               head bigint, head_at timestamptz, members text[], most_events bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = tracking_ledger, pg_temp AS $$
DECLARE
    v_ledger ledgers;
BEGIN
    FOR v_ledger IN SELECT * FROM ledgers l WHERE is_member(l.ledger_id) ORDER BY l.created_at, l.ledger_id LOOP
        PERFORM set_config('ledger.id', v_ledger.ledger_id::text, true);  -- each is seen alone, by row security too
        RETURN QUERY
        SELECT v_ledger.ledger_id, v_ledger.name, v_ledger.state, v_ledger.reason, v_ledger.successor,
               v_ledger.created_at, coalesce(last.position, 0), last.recorded_at,
               (SELECT array_agg(m.member::text ORDER BY m.member) FROM ledger_members m WHERE m.ledger_id = v_ledger.ledger_id),
               v_ledger.most_events
        FROM (SELECT 1) one
        LEFT JOIN (SELECT e.position, e.recorded_at FROM events e
                   WHERE e.ledger_id = v_ledger.ledger_id ORDER BY e.position DESC LIMIT 1) last ON true;
    END LOOP;
END
$$;

-- What the log holds at some positions: whose command and which digest; and its head, in a row of its own. For telling
-- whether another copy of the log is the same history. A log that moved away is refused, so that a follower,
-- which asks nothing else, learns where it went (TL004). Planned anew for each, as the first five would be, it took three
-- times as much.
CREATE OR REPLACE FUNCTION tracking_ledger.known_at(p_ledger uuid, p_positions bigint[])
RETURNS TABLE ("position" bigint, command_id uuid, digest bytea)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = tracking_ledger, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_successor text;
BEGIN
    PERFORM require_member(p_ledger);
    SELECT l.successor INTO v_successor FROM ledgers l WHERE l.ledger_id = p_ledger AND l.reason = 'moved';
    IF FOUND THEN
        RAISE EXCEPTION 'ledger % has moved', p_ledger USING ERRCODE = 'TL004',
            DETAIL = json_build_object('reason', 'moved', 'successor', v_successor);
    END IF;
    RETURN QUERY
    SELECT e.position, e.command_id, e.digest
    FROM (SELECT unnest(p_positions) UNION SELECT max(l.position) FROM events l WHERE l.ledger_id = p_ledger) asked (position)
    CROSS JOIN LATERAL (SELECT a.position, a.command_id, a.digest FROM events a  -- by the order of the primary key
                        WHERE a.ledger_id = p_ledger AND a.position <= asked.position ORDER BY a.position DESC LIMIT 1) e
    WHERE e.position = asked.position
    ORDER BY e.position;
END
$$;

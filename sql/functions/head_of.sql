-- Where a ledger stands: its state and the end of its log.
CREATE OR REPLACE FUNCTION tracking_ledger.head_of(p_ledger uuid)
RETURNS TABLE (head bigint, digest bytea, state text, reason text, successor text, most_events bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = tracking_ledger, pg_temp AS $$
BEGIN
    PERFORM require_member(p_ledger);
    RETURN QUERY
    SELECT coalesce(last.position, 0), coalesce(last.digest, sha256(uuid_send(l.origin))), l.state, l.reason, l.successor, l.most_events
    FROM ledgers l
    LEFT JOIN (SELECT e.position, e.digest FROM events e
               WHERE e.ledger_id = p_ledger ORDER BY e.position DESC LIMIT 1) last ON true
    WHERE l.ledger_id = p_ledger;
END
$$;

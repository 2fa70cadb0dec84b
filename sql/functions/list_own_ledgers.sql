-- The ledgers that lie in this database, as a directory takes them in: neither gone from here nor on their way. For the
-- owner only.
CREATE OR REPLACE FUNCTION tracking_ledger.list_own_ledgers() RETURNS json
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = tracking_ledger, pg_temp AS $$
    SELECT coalesce(json_agg(json_build_object('ledger_id', l.ledger_id, 'origin', l.origin, 'name', l.name, 'members',
        (SELECT array_agg(m.member ORDER BY m.member) FROM ledger_members m WHERE m.ledger_id = l.ledger_id))), '[]')
    FROM ledgers l WHERE l.reason IS NULL OR l.reason NOT IN ('moved', 'arriving')
$$;

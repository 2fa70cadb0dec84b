-- The ledgers that the caller's role is a member of.
CREATE OR REPLACE FUNCTION tracking_ledger.list_ledgers()
RETURNS TABLE (ledger_id uuid, name text, state text, created_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = tracking_ledger, pg_temp AS $$
    SELECT l.ledger_id, l.name, l.state, l.created_at FROM ledgers l WHERE is_member(l.ledger_id) ORDER BY l.created_at, l.ledger_id
$$;

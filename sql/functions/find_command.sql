-- Where a command stands in the log, if it does; no row if it does not. PostgreSQL 15 has no min(bytea).
CREATE OR REPLACE FUNCTION tracking_ledger.find_command(p_ledger uuid, p_command_id uuid)
RETURNS TABLE (first_position bigint, last_position bigint, recorded_at timestamptz, command_digest bytea, streams json)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = tracking_ledger, pg_temp AS $$
BEGIN
    PERFORM require_member(p_ledger);
    RETURN QUERY
    SELECT min(e.position), max(e.position), min(e.recorded_at), decode(min(encode(e.command_digest, 'hex')), 'hex'),
           recorded_streams(p_ledger, p_command_id)
    FROM events e WHERE e.ledger_id = p_ledger AND e.command_id = p_command_id
    HAVING count(*) > 0;
END
$$;

-- The histories of some streams in order, and with them the head of the log and the ledger's time; at least one row.
CREATE OR REPLACE FUNCTION tracking_ledger.read_streams(p_ledger uuid, p_streams text[])
RETURNS TABLE (head bigint, now timestamptz, "position" bigint, stream_id text, version int, command_id uuid, n int,
               command text, command_digest bytea, type text, schema int, topics text[], data json, by text,
               occurred_at timestamptz, recorded_at timestamptz, digest bytea)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = tracking_ledger, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    PERFORM require_member(p_ledger);
    RETURN QUERY
    SELECT coalesce(last.position, 0), greatest(clock_timestamp(), last.recorded_at), e.position, e.stream_id,
           e.version, e.command_id, e.n, e.command, e.command_digest, e.type, e.schema, e.topics, e.data, e.by,
           e.occurred_at, e.recorded_at, e.digest
    FROM (SELECT 1) one
    LEFT JOIN (SELECT l.position, l.recorded_at FROM events l
               WHERE l.ledger_id = p_ledger ORDER BY l.position DESC LIMIT 1) last ON true
    LEFT JOIN events e ON e.ledger_id = p_ledger AND e.stream_id = ANY (p_streams)
    ORDER BY e.stream_id, e.version;
END
$$;

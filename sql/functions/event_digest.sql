-- The digest of one event after another's.
CREATE OR REPLACE FUNCTION tracking_ledger.event_digest(p_previous bytea, p_event tracking_ledger.events) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT tracking_ledger.chain_on(NULL, p_previous, tracking_ledger.event_header(
        p_event.position, p_event.stream_id, p_event.version, p_event.command_id, p_event.n, p_event.command,
        encode(p_event.command_digest, 'hex'), p_event.type, p_event.schema, array_to_string(p_event.topics, ','),
        p_event.by, p_event.occurred_at, p_event.recorded_at), p_event.data)
$$;

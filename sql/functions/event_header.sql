-- The fields of an event that enter its digest, in their order. `p_command_digest` is hexadecimal, `p_topics` have commas between.
-- Each is a netstring (`<length in bytes>:<text>,`), so no two headers read the same.
CREATE OR REPLACE FUNCTION tracking_ledger.event_header(
    p_position bigint, p_stream_id text, p_version int, p_command_id uuid, p_n int, p_command text, p_command_digest text,
    p_type text, p_schema int, p_topics text, p_by text, p_occurred_at timestamptz, p_recorded_at timestamptz)
RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT concat(
        octet_length(p_position::text), ':', p_position, ',',
        octet_length(p_stream_id), ':', p_stream_id, ',',
        octet_length(p_version::text), ':', p_version, ',',
        '36:', p_command_id, ',',
        octet_length(p_n::text), ':', p_n, ',',
        octet_length(p_command), ':', p_command, ',',
        octet_length(p_command_digest), ':', p_command_digest, ',',
        octet_length(p_type), ':', p_type, ',',
        octet_length(p_schema::text), ':', p_schema, ',',
        octet_length(p_topics), ':', p_topics, ',',
        octet_length(p_by), ':', p_by, ',',
        octet_length(tracking_ledger.microseconds(p_occurred_at)::text), ':', tracking_ledger.microseconds(p_occurred_at), ',',
        octet_length(tracking_ledger.microseconds(p_recorded_at)::text), ':', tracking_ledger.microseconds(p_recorded_at), ',')
$$;

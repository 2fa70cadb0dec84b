-- The fields of an event that enter its digest, in their order. `p_command_digest` is hexadecimal, `p_topics` have commas between.
CREATE OR REPLACE FUNCTION tracking_ledger.header(
    p_position bigint, p_stream_id text, p_version int, p_command_id uuid, p_n int, p_command text, p_command_digest text,
    p_type text, p_schema int, p_topics text, p_by text, p_occurred_at timestamptz, p_recorded_at timestamptz)
RETURNS text[] LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT ARRAY[p_position::text, p_stream_id, p_version::text, p_command_id::text, p_n::text, p_command, p_command_digest, p_type,
                 p_schema::text, p_topics, p_by, (extract(epoch FROM p_occurred_at) * 1000000)::bigint::text,
                 (extract(epoch FROM p_recorded_at) * 1000000)::bigint::text]
$$;

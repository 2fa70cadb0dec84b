-- The streams that a recorded command touched, each with the version it brought them to.
CREATE OR REPLACE FUNCTION tracking_ledger.recorded_streams(p_ledger uuid, p_command_id uuid) RETURNS json
LANGUAGE sql STABLE AS $$
    SELECT json_object_agg(touched.stream_id, touched.version)
    FROM (SELECT stream_id, max(version) AS version FROM events
          WHERE ledger_id = p_ledger AND command_id = p_command_id GROUP BY stream_id) touched
$$;

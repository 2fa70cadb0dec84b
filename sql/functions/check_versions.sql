-- Refuses a command of which a stream is not at the version that its writer expected. Called under the lock.
CREATE OR REPLACE FUNCTION tracking_ledger.check_versions(p_ledger uuid, p_streams text[], p_versions int[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_moved record;
BEGIN
    SELECT x.stream_id, x.version AS expected, coalesce(newest.version, 0) AS actual INTO v_moved
    FROM (SELECT unnest(p_streams) AS stream_id, unnest(p_versions) AS version) x
    LEFT JOIN LATERAL (SELECT e.version FROM events e WHERE e.ledger_id = p_ledger AND e.stream_id = x.stream_id
                       ORDER BY e.version DESC LIMIT 1) newest ON true
    WHERE x.version <> coalesce(newest.version, 0) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'stream % is at version %, not %', v_moved.stream_id, v_moved.actual, v_moved.expected
            USING ERRCODE = 'TL001', DETAIL = row_to_json(v_moved);
    END IF;
END
$$;

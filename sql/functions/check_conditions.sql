-- Refuses a command whose streams, topics or time bounds are not what its writer decided on. Called under the lock.
CREATE OR REPLACE FUNCTION tracking_ledger.check_conditions(p_ledger uuid, p_command json, p_now timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_found record;
BEGIN
    SELECT x.key AS stream_id, x.value::int AS expected, coalesce(newest.version, 0) AS actual
    INTO v_found
    FROM json_each_text(p_command -> 'expected') x
    LEFT JOIN LATERAL (SELECT e.version FROM events e WHERE e.ledger_id = p_ledger AND e.stream_id = x.key
                       ORDER BY e.version DESC LIMIT 1) newest ON true
    WHERE x.value::int <> coalesce(newest.version, 0)
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'stream % is at version %, not %', v_found.stream_id, v_found.actual, v_found.expected
            USING ERRCODE = 'TL001', DETAIL = row_to_json(v_found);
    END IF;

    IF p_command ->> 'conditions' <> '' THEN
        SELECT e.position, e.type, e.topics INTO v_found FROM events e
        WHERE e.ledger_id = p_ledger AND e.position > (p_command ->> 'as_of')::bigint
          AND e.topics && string_to_array(p_command ->> 'conditions', ',')
        ORDER BY e.position LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'event % touched what was decided on', v_found.position
                USING ERRCODE = 'TL002', DETAIL = row_to_json(v_found);
        END IF;
    END IF;

    IF p_now < (p_command ->> 'not_before')::timestamptz OR p_now > (p_command ->> 'not_after')::timestamptz THEN
        RAISE EXCEPTION 'the ledger''s time % is out of bounds', p_now USING ERRCODE = 'TL008',
            DETAIL = json_build_object('now', p_now, 'not_before', p_command ->> 'not_before', 'not_after', p_command ->> 'not_after');
    END IF;
END
$$;

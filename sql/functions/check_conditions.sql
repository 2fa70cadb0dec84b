-- Refuses a command whose topics or time bounds are not what its writer decided on. Called under the lock.
CREATE OR REPLACE FUNCTION tracking_ledger.check_conditions(
    p_ledger uuid, p_conditions text, p_as_of bigint, p_not_before text, p_not_after text, p_now timestamptz)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_found record;
BEGIN
    IF p_conditions <> '' THEN
        SELECT e.position, e.type, e.topics INTO v_found FROM events e
        WHERE e.ledger_id = p_ledger AND e.position > p_as_of AND e.topics && string_to_array(p_conditions, ',')
        ORDER BY e.position LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'event % touched what was decided on', v_found.position
                USING ERRCODE = 'TL002', DETAIL = row_to_json(v_found);
        END IF;
    END IF;

    IF p_now < p_not_before::timestamptz OR p_now > p_not_after::timestamptz THEN
        RAISE EXCEPTION 'the ledger''s time % is out of bounds', p_now USING ERRCODE = 'TL008',
            DETAIL = json_build_object('now', p_now, 'not_before', p_not_before, 'not_after', p_not_after);
    END IF;
END
$$;

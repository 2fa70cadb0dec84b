-- Writes the rows of one command into the generations that serve; `p_first` is the position of its event 0.
--
-- `p_shapes` names the read models this program knows. One that it knows and that is behind is refused (TL007): the
-- program brings it up first. One that it does not know is marked as behind from here on.
CREATE OR REPLACE FUNCTION tracking_ledger.write_rows(p_ledger uuid, p_shapes json, p_rows jsonb, p_first bigint, p_head bigint)
RETURNS void LANGUAGE plpgsql SET search_path = tracking_ledger, pg_temp AS $$
DECLARE
    v_model record;
    v_seen  int := 0;
BEGIN
    FOR v_model IN SELECT * FROM projections p WHERE p.ledger_id = p_ledger LOOP
        IF (p_shapes ->> v_model.projection)::int IS DISTINCT FROM v_model.shape THEN
            UPDATE projections p SET behind_after = p_head
            WHERE p.ledger_id = p_ledger AND p.generation = v_model.generation AND p.behind_after IS NULL;
            CONTINUE;
        END IF;
        IF v_model.behind_after IS NOT NULL THEN
            RAISE EXCEPTION 'read model % is behind', v_model.projection USING ERRCODE = 'TL007', DETAIL = row_to_json(v_model);
        END IF;
        v_seen := v_seen + 1;
        IF p_rows ? v_model.projection THEN
            PERFORM put_rows(p_ledger, v_model.projection, v_model.generation, p_rows -> v_model.projection, p_first);
        END IF;
    END LOOP;
    IF v_seen < (SELECT count(*) FROM json_each(p_shapes)) THEN
        RAISE EXCEPTION 'a read model is not registered' USING ERRCODE = 'TL007',
            DETAIL = json_build_object('shapes', p_shapes, 'registered', v_seen);
    END IF;
END
$$;

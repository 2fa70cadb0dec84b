-- Writes the rows of one command into the generations that serve; its event 0 stands at `p_head` + 1.
--
-- `p_shapes` names the read models this program knows. One that it knows and that is behind is refused (TL007): the
-- program brings it up first. One that it does not know is marked as behind from here on. Answers which generation
-- serves each read model.
CREATE OR REPLACE FUNCTION tracking_ledger.write_rows(p_ledger uuid, p_shapes jsonb, p_rows jsonb, p_head bigint)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    v_models record;
    v_name   text;
BEGIN
    SELECT jsonb_object_agg(p.projection, p.generation) FILTER (WHERE known AND behind_after IS NULL) AS serving,
           coalesce(bool_or(NOT known AND behind_after IS NULL), false) AS others
    INTO v_models
    FROM projections p, LATERAL (SELECT p_shapes @> jsonb_build_object(p.projection, p.shape)) AS k (known)
    WHERE p.ledger_id = p_ledger;
    IF EXISTS (SELECT FROM jsonb_object_keys(p_shapes) s WHERE NOT coalesce(v_models.serving, '{}') ? s) THEN
        RAISE EXCEPTION 'a read model is not registered, or behind' USING ERRCODE = 'TL007',
            DETAIL = json_build_object('shapes', p_shapes, 'serving', v_models.serving);
    END IF;
    IF v_models.others THEN
        UPDATE projections p SET behind_after = p_head
        WHERE p.ledger_id = p_ledger AND p.behind_after IS NULL AND NOT p_shapes @> jsonb_build_object(p.projection, p.shape);
    END IF;
    FOR v_name IN SELECT jsonb_object_keys(p_rows) LOOP
        PERFORM put_rows(p_ledger, v_name, (v_models.serving ->> v_name)::bigint, p_rows -> v_name, p_head + 1);
    END LOOP;
    RETURN v_models.serving;
END
$$;

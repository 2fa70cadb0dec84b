-- What a read model that is up to the log holds: how many rows, and a digest over them and the entries that find them. The
-- same rows give the same digest in every database; no row when it is behind or not there.
CREATE OR REPLACE FUNCTION tracking_ledger.sum_of_read_model(p_ledger uuid, p_projection text, p_shape int)
RETURNS TABLE (row_count bigint, digest text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = tracking_ledger, pg_temp AS $$
DECLARE
    v_projection text;
    v_generation bigint;
    v_entries    text;
BEGIN
    PERFORM require_member(p_ledger);
    SELECT p.projection, p.generation INTO v_projection, v_generation FROM projections p
    WHERE p.ledger_id = p_ledger AND p.projection = p_projection AND p.shape = p_shape AND p.behind_after IS NULL;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT md5(coalesce(string_agg(md5(concat_ws(chr(31), e.relation, e.target, e.id)), '' ORDER BY e.relation, e.target, e.id), ''))
    INTO v_entries FROM entries e WHERE e.ledger_id = p_ledger AND e.generation = v_generation;
    RETURN QUERY EXECUTE format(
        $query$SELECT count(*), md5($3 || coalesce(string_agg(md5(concat_ws(chr(31), r.id, r.version, r.position, r.doc)), '' ORDER BY r.id), ''))
               FROM %I r WHERE r.ledger_id = $1 AND r.generation = $2$query$, v_projection)
    USING p_ledger, v_generation, v_entries;
END
$$;

-- What a read model that is up to the log holds: how many rows, and a digest over them, the entries and the words that
-- find them. The same rows give the same digest in every database; no answer when it is behind or not there.
--
-- After a position `p_after` only the entities that have events since then are looked at: no other can have changed.
CREATE OR REPLACE FUNCTION tracking_ledger.sum_of_read_model(p_ledger uuid, p_projection text, p_shape int, p_after bigint)
RETURNS TABLE (row_count bigint, digest text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = tracking_ledger, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    v_projection text;
    v_generation bigint;
    v_ids        text[];
    v_entries    text;
    v_terms      text;
BEGIN
    PERFORM require_member(p_ledger);
    SELECT p.projection, p.generation INTO v_projection, v_generation FROM projections p
    WHERE p.ledger_id = p_ledger AND p.projection = p_projection AND p.shape = p_shape AND p.behind_after IS NULL;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF p_after > 0 THEN
        v_ids := ARRAY(SELECT DISTINCT right(e.stream_id, 36) FROM events e WHERE e.ledger_id = p_ledger AND e.position > p_after
                       AND left(e.stream_id, -37) || 's' = v_projection);
    END IF;
    SELECT md5(string_agg(md5(concat_ws(chr(31), e.relation, e.target, e.id, e.day, e.hidden, e.status, e.category)),
                          '' ORDER BY e.relation, e.target, e.id))
    INTO v_entries FROM entries e
    WHERE e.ledger_id = p_ledger AND e.generation = v_generation AND (v_ids IS NULL OR e.id = ANY (v_ids));
    SELECT md5(string_agg(md5(concat_ws(chr(31), t.id, t.terms)), '' ORDER BY t.id))
    INTO v_terms FROM work_item_terms t
    WHERE t.ledger_id = p_ledger AND t.generation = v_generation AND (v_ids IS NULL OR t.id = ANY (v_ids));
    RETURN QUERY EXECUTE format(
        $query$SELECT count(*), md5(concat_ws(chr(31), $3, $4,
                string_agg(md5(concat_ws(chr(31), r.id, r.version, r.position, r.doc)), '' ORDER BY r.id)))
               FROM %I r WHERE r.ledger_id = $1 AND r.generation = $2 AND ($5 IS NULL OR r.id = ANY ($5))$query$, v_projection)
    USING p_ledger, v_generation, v_entries, v_terms, v_ids;
END
$$;

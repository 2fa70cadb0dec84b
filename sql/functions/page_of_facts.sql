-- A page of the log as page_of_events has it, but only the columns that a read model is folded from.
CREATE OR REPLACE FUNCTION tracking_ledger.page_of_facts(p_ledger uuid, p_after bigint, p_up_to bigint, p_most int)
RETURNS TABLE (head bigint, ends bigint, long json, positions json, streams json, versions json, types json, schemas json,
               payloads json, authors json, occurred json)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = tracking_ledger, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_bitmapscan = off SET enable_sort = off SET jit = off SET timezone = 'UTC' AS $$
DECLARE
    v_long bigint[];
BEGIN
    PERFORM require_member(p_ledger);
    head := coalesce((SELECT l.position FROM events l WHERE l.ledger_id = p_ledger ORDER BY l.position DESC LIMIT 1), 0);
    ends := least(p_up_to, head, p_after + p_most);
    SELECT json_agg(e.position), json_agg(e.stream_id), json_agg(e.version), json_agg(e.type), json_agg(e.schema),
           json_agg(e.data), json_agg(e.by), json_agg(e.occurred_at), array_agg(e.position) FILTER (WHERE e.data IS NULL)
    INTO positions, streams, versions, types, schemas, payloads, authors, occurred, v_long
    FROM (SELECT l.position, l.stream_id, l.version, l.type, l.schema, if_short(l.data) AS data, l.by, l.occurred_at
          FROM events l WHERE l.ledger_id = p_ledger AND l.position > p_after AND l.position <= ends ORDER BY l.position) e;
    IF v_long IS NOT NULL THEN
        SELECT p.ends, p.long INTO ends, long FROM long_payloads(p_ledger, p_after, v_long, ends) p;
    END IF;
    RETURN NEXT;
END
$$;

-- A page of the log: of each column a JSON array with a value for every event, of ids and digests, which are no texts, an array;
-- with the head of the log and the position at which the page ends.
--
-- By columns, because the driver reads a few values in a fraction of the time that rows take, and an aggregate appends a value in
-- half the time in which a row is written. A long payload is NULL there and stands in `long` (see long_payloads). A plan for
-- pages of any length would take a bitmap and sort; the index has the order.
CREATE OR REPLACE FUNCTION tracking_ledger.page_of_events(p_ledger uuid, p_after bigint, p_up_to bigint, p_most int)
RETURNS TABLE (head bigint, ends bigint, long json, positions json, streams json, versions json, command_ids uuid[], ns json,
               commands json, command_digests bytea[], types json, schemas json, topic_lists json, payloads json, authors json,
               occurred json, recorded json, digests bytea[])
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = tracking_ledger, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_bitmapscan = off SET enable_sort = off SET jit = off SET timezone = 'UTC' AS $$
DECLARE
    v_long bigint[];
BEGIN
    PERFORM require_member(p_ledger);
    head := coalesce((SELECT l.position FROM events l WHERE l.ledger_id = p_ledger ORDER BY l.position DESC LIMIT 1), 0);
    ends := least(p_up_to, head, p_after + p_most);
    SELECT json_agg(e.position), json_agg(e.stream_id), json_agg(e.version), array_agg(e.command_id), json_agg(e.n),
           json_agg(e.command), array_agg(e.command_digest), json_agg(e.type), json_agg(e.schema), json_agg(e.topics),
           json_agg(e.data), json_agg(e.by), json_agg(e.occurred_at), json_agg(e.recorded_at), array_agg(e.digest),
           array_agg(e.position) FILTER (WHERE e.data IS NULL)
    INTO positions, streams, versions, command_ids, ns, commands, command_digests, types, schemas, topic_lists, payloads, authors,
         occurred, recorded, digests, v_long
    FROM (SELECT l.position, l.stream_id, l.version, l.command_id, l.n, l.command, l.command_digest, l.type, l.schema, l.topics,
                 if_short(l.data) AS data, l.by, l.occurred_at, l.recorded_at, l.digest
          FROM events l WHERE l.ledger_id = p_ledger AND l.position > p_after AND l.position <= ends ORDER BY l.position) e;
    IF v_long IS NOT NULL THEN
        SELECT p.ends, p.long INTO ends, long FROM long_payloads(p_ledger, p_after, v_long, ends) p;
    END IF;
    RETURN NEXT;
END
$$;

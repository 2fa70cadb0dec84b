-- A page of the log as read_events has it, but only the columns that a read model is folded from.
CREATE OR REPLACE FUNCTION tracking_ledger.read_facts(p_ledger uuid, p_after bigint, p_up_to bigint, p_most int)
RETURNS TABLE (head bigint, ends bigint, page text) LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = tracking_ledger, pg_temp SET plan_cache_mode = force_generic_plan SET enable_bitmapscan = off SET enable_sort = off SET timezone = 'UTC' AS $$
BEGIN
    PERFORM require_member(p_ledger);
    SELECT p.head, p.ends INTO head, ends FROM page_of(p_ledger, p_after, p_up_to, p_most) p;
    SELECT concat('[', json_agg(e.position), ',', json_agg(e.stream_id), ',', json_agg(e.version), ',', json_agg(e.type), ',',
                  json_agg(e.schema), ',', json_agg(e.data), ',', json_agg(e.by), ',', json_agg(e.occurred_at), ']')
    INTO page FROM (SELECT * FROM events l
                    WHERE l.ledger_id = p_ledger AND l.position > p_after AND l.position <= ends ORDER BY l.position) e
    HAVING count(*) > 0;
    RETURN NEXT;
END
$$;

-- A page of the log as read_events has it, but only the columns that a read model is folded from.
CREATE OR REPLACE FUNCTION tracking_ledger.read_facts(p_ledger uuid, p_after bigint, p_up_to bigint, p_most int)
RETURNS TABLE (head bigint, ends bigint, page text) LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = tracking_ledger, pg_temp SET plan_cache_mode = force_generic_plan SET timezone = 'UTC' AS $$
BEGIN
    PERFORM require_member(p_ledger);
    SELECT p.head, p.ends INTO head, ends FROM page_of(p_ledger, p_after, p_up_to, p_most) p;
    SELECT '[' || string_agg(concat(
        '[', e.position, ',"', e.stream_id, '",', e.version, ',"', e.type, '",', e.schema, ',', e.data, ',', to_json(e.by), ',',
        to_json(e.occurred_at), ']'), ',') || ']'
    INTO page FROM (SELECT * FROM events l
                    WHERE l.ledger_id = p_ledger AND l.position > p_after AND l.position <= ends ORDER BY l.position) e;
    RETURN NEXT;
END
$$;

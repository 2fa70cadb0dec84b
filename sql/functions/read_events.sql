-- A page of the log, as one JSON array of events, each an array of its columns; with the head of the log and the position at which the page ends.
--
-- One value a page, because the driver reads that in a fraction of the time that rows take. What our own program names
-- (streams, types, commands) holds nothing that JSON would have to escape.
CREATE OR REPLACE FUNCTION tracking_ledger.read_events(p_ledger uuid, p_after bigint, p_up_to bigint, p_most int)
RETURNS TABLE (head bigint, ends bigint, page text) LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = tracking_ledger, pg_temp SET plan_cache_mode = force_generic_plan SET timezone = 'UTC' AS $$
BEGIN
    PERFORM require_member(p_ledger);
    SELECT p.head, p.ends INTO head, ends FROM page_of(p_ledger, p_after, p_up_to, p_most) p;
    SELECT '[' || string_agg(concat(
        '[', e.position, ',"', e.stream_id, '",', e.version, ',"', e.command_id, '",', e.n, ',"', e.command, '","',
        encode(e.command_digest, 'base64'), '","', e.type, '",', e.schema, ',"', array_to_string(e.topics, ','), '",', e.data,
        ',', to_json(e.by), ',', to_json(e.occurred_at), ',', to_json(e.recorded_at), ',"', encode(e.digest, 'base64'), '"]'), ',') || ']'
    INTO page FROM (SELECT * FROM events l
                    WHERE l.ledger_id = p_ledger AND l.position > p_after AND l.position <= ends ORDER BY l.position) e;
    RETURN NEXT;
END
$$;

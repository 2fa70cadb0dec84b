-- The long payloads of a page, as a JSON array of [position, payload], and where the page ends: earlier than it would where they
-- would grow beyond a few megabytes; one event at least.
CREATE OR REPLACE FUNCTION tracking_ledger.long_payloads(
    p_ledger uuid, p_after bigint, p_positions bigint[], INOUT ends bigint, OUT long json)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    SELECT greatest(p_after + 1, coalesce(min(w.position) FILTER (WHERE w.bytes > 4000000) - 1, long_payloads.ends)) INTO ends
    FROM (SELECT e.position, sum(octet_length(e.data::text)) OVER (ORDER BY e.position) AS bytes
          FROM events e WHERE e.ledger_id = p_ledger AND e.position = ANY (p_positions)) w;
    SELECT json_agg(json_build_array(e.position, e.data)) INTO long
    FROM events e
    WHERE e.ledger_id = p_ledger AND e.position = ANY (p_positions) AND e.position <= long_payloads.ends;
END
$$;

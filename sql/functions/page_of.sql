-- The head of the log, and where a page after a position ends: after so many events, or where it would grow beyond a
-- few megabytes; one event at least, if there is one.
CREATE OR REPLACE FUNCTION tracking_ledger.page_of(
    p_ledger uuid, p_after bigint, p_up_to bigint, p_most int, OUT head bigint, OUT ends bigint)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    head := coalesce((SELECT e.position FROM events e WHERE e.ledger_id = p_ledger ORDER BY e.position DESC LIMIT 1), 0);
    ends := least(p_up_to, head, p_after + p_most);
    IF (SELECT sum(octet_length(page.data::text))
        FROM (SELECT e.data FROM events e WHERE e.ledger_id = p_ledger AND e.position > p_after AND e.position <= ends
              ORDER BY e.position) page) > 4000000 THEN  -- in that order, which keeps to the primary key
        SELECT coalesce(max(w.position) FILTER (WHERE w.bytes <= 4000000), p_after + 1) INTO ends
        FROM (SELECT e.position, sum(octet_length(e.data::text)) OVER (ORDER BY e.position) AS bytes FROM events e
              WHERE e.ledger_id = p_ledger AND e.position > p_after AND e.position <= page_of.ends) w;
    END IF;
END
$$;

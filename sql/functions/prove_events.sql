-- Proves a part of the log as it is stored: each event after one position and up to another is there and follows from the
-- one before it. Answers the first position of which that is not true; NULL if there is none.
--
-- Every event is held against the stored digest before it, so all are proved by one statement and in any order.
CREATE OR REPLACE FUNCTION tracking_ledger.prove_events(p_ledger uuid, p_after bigint, p_up_to bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = tracking_ledger, pg_temp SET enable_seqscan = off AS $$
DECLARE
    v_before bytea;
    v_wrong  bigint;
    v_count  bigint;
BEGIN
    PERFORM require_member(p_ledger);
    SELECT coalesce((SELECT e.digest FROM events e WHERE e.ledger_id = p_ledger AND e.position = p_after), sha256(uuid_send(l.origin)))
    INTO v_before FROM ledgers l WHERE l.ledger_id = p_ledger;
    SELECT min(proved.position) FILTER (WHERE proved.digest <> proved.follows), count(*) INTO v_wrong, v_count
    FROM (SELECT e.position, e.digest,
                 event_digest(coalesce(lag(e.digest) OVER (ORDER BY e.position), v_before), e) AS follows
          FROM events e WHERE e.ledger_id = p_ledger AND e.position > p_after AND e.position <= p_up_to) proved;
    RETURN coalesce(v_wrong, CASE WHEN v_count < p_up_to - p_after THEN p_after + v_count + 1 END);
END
$$;

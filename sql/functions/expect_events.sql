-- Prepares the log for events that come from another database, in this transaction. For the owner only.
--
-- No other writer appends until the end of it; the chain begins at `p_origin`, read models are behind from here on. Answers
-- the head behind which they belong.
CREATE OR REPLACE FUNCTION tracking_ledger.expect_events(p_ledger uuid, p_origin uuid)
RETURNS TABLE (head bigint, digest bytea)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = tracking_ledger, pg_temp AS $$
DECLARE
    v_event events;
BEGIN
    PERFORM set_config('ledger.id', p_ledger::text, true);
    PERFORM lock_ledger(p_ledger);
    PERFORM settle_origin(p_ledger, p_origin);
    SELECT * INTO v_event FROM events e WHERE e.ledger_id = p_ledger ORDER BY e.position DESC LIMIT 1;
    UPDATE projections p SET behind_after = coalesce(v_event.position, 0) WHERE p.ledger_id = p_ledger AND p.behind_after IS NULL;
    RETURN QUERY SELECT coalesce(v_event.position, 0), coalesce(v_event.digest, sha256(uuid_send(p_origin)));
END
$$;

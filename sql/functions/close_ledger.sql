-- Closes a ledger to every writer, and says why and where it went; answers the head that stays.
--
-- One that is closed for another reason is refused (TL004), but for the steps of a move: what is moving has moved at its
-- end, to where it was moving, and what moved away can arrive again.
CREATE OR REPLACE FUNCTION tracking_ledger.close_ledger(p_ledger uuid, p_reason text, p_successor text)
RETURNS TABLE (head bigint, digest bytea)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = tracking_ledger, pg_temp AS $$
DECLARE
    v_ledger ledgers;
BEGIN
    PERFORM require_member(p_ledger);
    PERFORM lock_ledger(p_ledger);
    SELECT * INTO v_ledger FROM ledgers l WHERE l.ledger_id = p_ledger;
    IF v_ledger.state = 'closed' AND NOT (
        p_reason = v_ledger.reason AND p_reason <> 'moving'
        OR v_ledger.reason = 'moving' AND p_reason IN ('moving', 'moved') AND v_ledger.successor IS NOT DISTINCT FROM p_successor
        OR v_ledger.reason = 'moved' AND p_reason = 'arriving') THEN
        RAISE EXCEPTION 'ledger % is closed', p_ledger USING ERRCODE = 'TL004',
            DETAIL = json_build_object('reason', v_ledger.reason, 'successor', v_ledger.successor);
    END IF;
    UPDATE ledgers l SET state = 'closed', reason = p_reason, successor = p_successor WHERE l.ledger_id = p_ledger;
    RETURN QUERY
    SELECT coalesce(last.position, 0), coalesce(last.digest, sha256(uuid_send(v_ledger.origin)))
    FROM (SELECT 1) one
    LEFT JOIN (SELECT e.position, e.digest FROM events e
               WHERE e.ledger_id = p_ledger ORDER BY e.position DESC LIMIT 1) last ON true;
END
$$;

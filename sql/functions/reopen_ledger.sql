-- Opens a ledger that was closed for this reason; one closed for another stays as it is and is refused (TL004).
CREATE OR REPLACE FUNCTION tracking_ledger.reopen_ledger(p_ledger uuid, p_reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = tracking_ledger, pg_temp AS $$
DECLARE
    v_ledger ledgers;
BEGIN
    PERFORM require_member(p_ledger);
    PERFORM lock_ledger(p_ledger);
    SELECT * INTO v_ledger FROM ledgers l WHERE l.ledger_id = p_ledger;
    IF v_ledger.state = 'closed' AND v_ledger.reason IS DISTINCT FROM p_reason THEN
        RAISE EXCEPTION 'ledger % is closed', p_ledger USING ERRCODE = 'TL004',
            DETAIL = json_build_object('reason', v_ledger.reason, 'successor', v_ledger.successor);
    END IF;
    UPDATE ledgers l SET state = 'open', reason = NULL, successor = NULL WHERE l.ledger_id = p_ledger;
END
$$;

-- Opens this transaction for one ledger: row security lets its rows through, tables are found without a schema name.
CREATE OR REPLACE FUNCTION tracking_ledger.enter_ledger(p_ledger uuid)
RETURNS TABLE (head bigint, head_at timestamptz, now timestamptz, generations json)
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    v_ledger record;
BEGIN
    PERFORM pg_catalog.set_config('search_path', 'tracking_ledger, pg_temp', true);  -- first: no operator of the caller's own
    PERFORM tracking_ledger.require_member(p_ledger);
    SELECT l.reason, l.successor, l.serving INTO v_ledger FROM tracking_ledger.ledgers l WHERE l.ledger_id = p_ledger;
    IF v_ledger.reason = 'moved' THEN  -- what is here grows old unnoticed
        RAISE EXCEPTION 'ledger % has moved', p_ledger USING ERRCODE = 'TL004',
            DETAIL = json_build_object('reason', 'moved', 'successor', v_ledger.successor);
    END IF;
    PERFORM set_config('enable_seqscan', 'off', true);  -- a young table has no statistics yet, and every question an index
    RETURN QUERY
    SELECT coalesce(last.position, 0), last.recorded_at, greatest(clock_timestamp(), last.recorded_at),
           v_ledger.serving::json
    FROM (SELECT 1) one
    LEFT JOIN (SELECT e.position, e.recorded_at FROM tracking_ledger.events e
               WHERE e.ledger_id = p_ledger ORDER BY e.position DESC LIMIT 1) last ON true;
END
$$;

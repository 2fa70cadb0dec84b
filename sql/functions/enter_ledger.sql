-- Opens this transaction for one ledger: row security lets its rows through, tables are found without a schema name.
-- Every read begins with it, so it is one statement; all else are assignments, which start no executor.
CREATE OR REPLACE FUNCTION tracking_ledger.enter_ledger(p_ledger uuid)
RETURNS TABLE (head bigint, head_at timestamptz, now timestamptz, generations json)
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    v_set       text;
    v_is_member boolean;
    v_reason    text;
    v_successor text;
BEGIN
    v_set := pg_catalog.set_config('search_path', 'tracking_ledger, pg_temp', true);  -- first: no operator of the caller's own
    v_set := set_config('ledger.id', p_ledger::text, true);  -- taken back with the transaction that is refused
    SELECT EXISTS (SELECT FROM ledger_members m WHERE m.ledger_id = p_ledger AND m.member = session_user),
           l.reason, l.successor, l.serving, last.position, last.recorded_at
    INTO v_is_member, v_reason, v_successor, generations, head, head_at
    FROM ledgers l
    LEFT JOIN (SELECT e.position, e.recorded_at FROM events e
               WHERE e.ledger_id = p_ledger ORDER BY e.position DESC LIMIT 1) last ON true
    WHERE l.ledger_id = p_ledger;
    IF v_is_member IS NOT TRUE THEN
        PERFORM require_member(p_ledger);
    END IF;
    IF v_reason = 'moved' THEN  -- what is here grows old unnoticed
        RAISE EXCEPTION 'ledger % has moved', p_ledger USING ERRCODE = 'TL004',
            DETAIL = json_build_object('reason', 'moved', 'successor', v_successor);
    END IF;
    v_set := set_config('enable_seqscan', 'off', true);  -- a young table has no statistics yet, and every question an index
    head := coalesce(head, 0);
    now := greatest(clock_timestamp(), head_at);
    RETURN NEXT;
END
$$;

-- Makes sure that this ledger's digest chain begins at an origin: an empty log takes it, any other must have it (TL011).
CREATE OR REPLACE FUNCTION tracking_ledger.settle_origin(p_ledger uuid, p_origin uuid) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_origin uuid;
BEGIN
    SELECT l.origin INTO v_origin FROM ledgers l WHERE l.ledger_id = p_ledger;
    IF v_origin IS NOT DISTINCT FROM p_origin THEN
        RETURN;
    END IF;
    IF EXISTS (SELECT FROM events WHERE ledger_id = p_ledger) THEN
        RAISE EXCEPTION 'ledger % has another history', p_ledger USING ERRCODE = 'TL011',
            DETAIL = json_build_object('ledger', p_ledger, 'origin', v_origin, 'wanted', p_origin);
    END IF;
    UPDATE ledgers SET origin = p_origin WHERE ledger_id = p_ledger;
END
$$;

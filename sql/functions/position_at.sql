-- The last position recorded at or before a moment. Ledger time rises with the position, so halving finds it.
CREATE OR REPLACE FUNCTION tracking_ledger.position_at(p_ledger uuid, p_moment timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = tracking_ledger, pg_temp AS $$
DECLARE
    v_low  bigint := 0;
    v_high bigint;
    v_mid  bigint;
BEGIN
    PERFORM require_member(p_ledger);
    SELECT coalesce(max(position), 0) INTO v_high FROM events WHERE ledger_id = p_ledger;
    WHILE v_low < v_high LOOP
        v_mid := (v_low + v_high + 1) / 2;
        IF (SELECT recorded_at FROM events WHERE ledger_id = p_ledger AND position = v_mid) <= p_moment THEN
            v_low := v_mid;
        ELSE
            v_high := v_mid - 1;
        END IF;
    END LOOP;
    RETURN v_low;
END
$$;

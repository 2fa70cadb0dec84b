-- Removes a portion of the rows that serve no longer. Answers whether there may be more.
CREATE OR REPLACE FUNCTION tracking_ledger.remove_retired(p_ledger uuid, p_most int) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = tracking_ledger, pg_temp AS $$
DECLARE
    v_old   retired;
    v_table text;
    v_found bigint;
BEGIN
    PERFORM require_member(p_ledger);
    SELECT * INTO v_old FROM retired r WHERE r.ledger_id = p_ledger LIMIT 1 FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM set_config('ledger.filling', v_old.generation::text, true);  -- no trigger marks what goes
    FOREACH v_table IN ARRAY ARRAY[v_old.projection, 'entries', 'work_item_terms'] LOOP
        EXECUTE format('DELETE FROM %1$I WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM %1$I WHERE ledger_id = $1 AND generation = $2 LIMIT $3))', v_table)
        USING p_ledger, v_old.generation, p_most;
        GET DIAGNOSTICS v_found = ROW_COUNT;
        IF v_found > 0 THEN
            RETURN true;
        END IF;
    END LOOP;
    DELETE FROM retired r WHERE r.ledger_id = p_ledger AND r.generation = v_old.generation;
    RETURN true;
END
$$;

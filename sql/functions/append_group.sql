-- Records many commands in one transaction, each whole or not at all, later ones seeing earlier ones.
--
-- Each is given as append_events would be. Answers a line for each, in order: where it stands, or the SQLSTATE and detail
-- with which append_events would have refused it. Anything else that goes wrong refuses them all.
CREATE OR REPLACE FUNCTION tracking_ledger.append_group(p_ledger uuid, p_commands text[], p_documents text[])
RETURNS TABLE (first_position bigint, last_position bigint, recorded_at timestamptz, repeated boolean, streams json,
               before text, after text, refused text, detail text)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = tracking_ledger, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_recorded record;
BEGIN
    PERFORM lock_for_writing(p_ledger);  -- once before the first block: an EXCEPTION lets go of what it locked
    FOR v_number IN 1 .. cardinality(p_commands) LOOP
        BEGIN
            v_recorded := append_events(p_ledger, p_commands[v_number]::json, p_documents[v_number]);
            first_position := v_recorded.first_position;
            last_position := v_recorded.last_position;
            recorded_at := v_recorded.recorded_at;
            repeated := v_recorded.repeated;
            streams := v_recorded.streams;
            before := v_recorded.before;
            after := v_recorded.after;
            refused := NULL;
            detail := NULL;
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS refused = RETURNED_SQLSTATE, detail = PG_EXCEPTION_DETAIL;
            IF refused NOT LIKE 'TL%' THEN
                RAISE;
            END IF;
        END;
        RETURN NEXT;  -- of a refused one only the last two columns mean anything
    END LOOP;
END
$$;

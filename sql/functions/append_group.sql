-- Records many commands in one transaction, each whole or not at all, later ones seeing earlier ones.
--
-- Answers a line for each, in order: where it stands, or the SQLSTATE and detail with which append_events would have
-- refused it. Anything else that goes wrong refuses them all.
CREATE OR REPLACE FUNCTION tracking_ledger.append_group(p_ledger uuid, p_commands json)
RETURNS TABLE (first_position bigint, last_position bigint, recorded_at timestamptz, repeated boolean, streams json,
               before text, after text, refused text, detail text)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = tracking_ledger, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_command json;
    v_state   text;
    v_detail  text;
BEGIN
    PERFORM require_member(p_ledger);
    PERFORM lock_ledger(p_ledger);
    FOR v_command IN SELECT c FROM json_array_elements(p_commands) c LOOP
        BEGIN
            RETURN QUERY SELECT r.*, NULL, NULL FROM record_command(p_ledger, v_command) r;
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS v_state = RETURNED_SQLSTATE, v_detail = PG_EXCEPTION_DETAIL;
            IF v_state NOT LIKE 'TL%' THEN
                RAISE;
            END IF;
            RETURN QUERY SELECT NULL::bigint, NULL::bigint, NULL::timestamptz, NULL::boolean, NULL::json,
                                NULL, NULL, v_state, v_detail;
        END;
    END LOOP;
END
$$;

-- Records many commands in one transaction, each whole or not at all, later ones seeing earlier ones.
--
-- Each is a line of `p_commands`, which has the parameters of append_events as text, in their order, or those of append_event
-- and 'one' in the 33rd place. Answers a line for each, in order: where it stands, or the SQLSTATE and detail with which it would
-- have been refused alone. Anything else that goes wrong refuses them all.
-- With `p_lock_timeout`, in milliseconds, it waits no longer for the ledger's lock, and the first one that is refused ends it:
-- those before it are recorded, none behind it is.
CREATE OR REPLACE FUNCTION tracking_ledger.append_group(p_ledger uuid, p_commands text[], p_lock_timeout text DEFAULT NULL)
RETURNS TABLE (first_position bigint, last_position bigint, recorded_at timestamptz, repeated boolean, streams json,
               before text, after text, refused text, detail text)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = tracking_ledger, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_recorded receipt;
    v_command  text[];
BEGIN
    IF p_lock_timeout IS NOT NULL THEN
        PERFORM set_config('lock_timeout', p_lock_timeout, true);
    END IF;
    PERFORM lock_for_writing(p_ledger);  -- once before the first block: an EXCEPTION lets go of what it locked
    FOREACH v_command SLICE 1 IN ARRAY p_commands LOOP
        BEGIN
            IF v_command[33] = 'one' THEN
                v_recorded := append_event(
                    p_ledger, v_command[1]::uuid, v_command[2], v_command[3]::bytea, v_command[4]::text[], v_command[5]::int[],
                    v_command[6]::bigint, v_command[7]::bigint, v_command[8]::uuid, v_command[9], v_command[10]::bigint,
                    v_command[11], v_command[12], v_command[13]::text[], v_command[14], v_command[15]::int, v_command[16],
                    v_command[17]::int, v_command[18], v_command[19], v_command[20]::timestamptz, v_command[21], v_command[22],
                    v_command[23]::boolean, v_command[24]::jsonb, v_command[25], v_command[26]::tsvector, v_command[27]::json);
            ELSE
                v_recorded := append_events(
                    p_ledger, v_command[1]::uuid, v_command[2], v_command[3]::bytea, v_command[4]::text[], v_command[5]::int[],
                    v_command[6]::bigint, v_command[7]::bigint, v_command[8]::uuid, v_command[9], v_command[10]::bigint,
                    v_command[11], v_command[12], v_command[13]::text[], v_command[14]::text[], v_command[15]::int[],
                    v_command[16]::text[], v_command[17]::int[], v_command[18]::text[], v_command[19]::text[],
                    v_command[20]::timestamptz[], v_command[21], v_command[22]::text[], v_command[23]::int[],
                    v_command[24]::boolean[], v_command[25]::text[], v_command[26]::int[], v_command[27]::bigint[],
                    v_command[28]::text[], v_command[29], v_command[30]::json, v_command[31], v_command[32]);
            END IF;
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
        EXIT WHEN refused IS NOT NULL AND p_lock_timeout IS NOT NULL;
    END LOOP;
END
$$;

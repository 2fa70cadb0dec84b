-- Records one command: its events numbered, timed and chained, its read-model rows beside them; or nothing at all.
--
-- What it refuses has a SQLSTATE of its own and its facts as JSON in the error's detail:
-- TL001 version conflict, TL002 a condition no longer holds, TL003 command id reused, TL004 ledger closed,
-- TL005 not a member, TL006 not unique, TL007 a read model is behind, TL008 the ledger's time is out of bounds.
CREATE OR REPLACE FUNCTION tracking_ledger.append_events(p_ledger uuid, p_command json)
RETURNS TABLE (first_position bigint, last_position bigint, recorded_at timestamptz, repeated boolean, streams json,
               before text, after text)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = tracking_ledger, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    PERFORM require_member(p_ledger);
    PERFORM lock_ledger(p_ledger);
    RETURN QUERY SELECT * FROM record_command(p_ledger, p_command);
END
$$;

-- Records one command: its events numbered, timed and chained, its read-model rows beside them; or nothing at all.
--
-- What it refuses has a SQLSTATE of its own and its facts as JSON in the error's detail:
-- TL001 version conflict, TL002 a condition no longer holds, TL003 command id reused, TL004 ledger closed,
-- TL005 not a member, TL006 not unique, TL007 a read model is behind, TL008 the ledger's time is out of bounds.
CREATE OR REPLACE FUNCTION tracking_ledger.append_events(p_ledger uuid, p_command json)
RETURNS TABLE (first_position bigint, last_position bigint, recorded_at timestamptz, repeated boolean, streams json)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = tracking_ledger, pg_temp AS $$
DECLARE
    v_id     uuid := p_command ->> 'command_id';
    v_digest bytea := decode(p_command ->> 'command_digest', 'hex');
    v_ledger ledgers;
    v_found  record;
    v_event  events;
    v_json   json;
    v_head   bigint;
BEGIN
    PERFORM require_member(p_ledger);
    PERFORM lock_ledger(p_ledger);

    SELECT min(e.position) AS first, max(e.position) AS last, min(e.recorded_at) AS at, min(e.command_digest) AS digest
    INTO v_found FROM events e WHERE e.ledger_id = p_ledger AND e.command_id = v_id;
    IF v_found.first IS NOT NULL THEN
        IF v_found.digest <> v_digest THEN
            RAISE EXCEPTION 'command id % is taken', v_id USING ERRCODE = 'TL003',
                DETAIL = json_build_object('command_id', v_id, 'first_position', v_found.first);
        END IF;
        RETURN QUERY SELECT v_found.first, v_found.last, v_found.at, true, recorded_streams(p_ledger, v_id);
        RETURN;
    END IF;

    SELECT * INTO v_ledger FROM ledgers l WHERE l.ledger_id = p_ledger;
    IF v_ledger.state <> 'open' THEN
        RAISE EXCEPTION 'ledger % is closed', p_ledger USING ERRCODE = 'TL004',
            DETAIL = json_build_object('reason', v_ledger.reason, 'successor', v_ledger.successor);
    END IF;

    SELECT * INTO v_event FROM events e WHERE e.ledger_id = p_ledger ORDER BY e.position DESC LIMIT 1;
    IF NOT FOUND THEN
        v_event.ledger_id := p_ledger;
        v_event.position := 0;
        v_event.digest := sha256(uuid_send(v_ledger.origin));
    END IF;
    v_head := v_event.position;
    v_event.recorded_at := greatest(clock_timestamp(), v_event.recorded_at);
    PERFORM check_conditions(p_ledger, p_command, v_event.recorded_at);

    v_event.command_id := v_id;
    v_event.command := p_command ->> 'command';
    v_event.command_digest := v_digest;
    v_event.n := -1;
    FOR v_json IN SELECT * FROM json_array_elements(p_command -> 'events') LOOP
        v_event.position := v_event.position + 1;
        v_event.n := v_event.n + 1;
        v_event.stream_id := v_json ->> 'stream_id';
        v_event.version := v_json ->> 'version';
        v_event.type := v_json ->> 'type';
        v_event.schema := v_json ->> 'schema';
        v_event.topics := string_to_array(v_json ->> 'topics', ',');
        v_event.data := v_json -> 'data';
        v_event.by := v_json ->> 'by';
        v_event.occurred_at := v_json ->> 'occurred_at';
        v_event.digest := event_digest(v_event.digest, v_event);
        INSERT INTO events VALUES (v_event.*);
    END LOOP;

    PERFORM write_rows(p_ledger, (p_command -> 'shapes')::jsonb, (p_command -> 'rows')::jsonb, v_head);
    RETURN QUERY SELECT v_head + 1, v_event.position, v_event.recorded_at, false, NULL::json;  -- the writer knows its versions
END
$$;

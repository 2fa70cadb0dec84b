-- Records one command under the lock: its events numbered, timed and chained, its read-model rows beside them. It raises
-- what append_events names, and then has written nothing that outlives the raising.
CREATE OR REPLACE FUNCTION tracking_ledger.record_command(
    p_ledger uuid, p_command json,
    OUT first_position bigint, OUT last_position bigint, OUT recorded_at timestamptz, OUT repeated boolean, OUT streams json,
    OUT before text, OUT after text)
LANGUAGE plpgsql AS $$
DECLARE
    v_given  record;  -- the command, read once: each -> on json reads all of its text again
    v_id     uuid;
    v_digest bytea;
    v_ledger ledgers;
    v_found  record;
    v_event  events;
    v_next   record;
    v_events events[];
    v_head   bigint;
    v_serving jsonb;
    v_first  text;
BEGIN
    SELECT * INTO v_given FROM json_to_record(p_command) AS given (
        command_id uuid, command text, command_digest text, expected json, conditions text, as_of bigint,
        not_before text, not_after text, shapes jsonb, events json, rows jsonb);
    v_id := v_given.command_id;
    v_digest := decode(v_given.command_digest, 'hex');

    SELECT e.position AS first, e.position - e.n + (SELECT max(l.n) FROM events l WHERE l.ledger_id = p_ledger AND l.command_id = v_id) AS last,
           e.recorded_at AS at, e.command_digest AS digest
    INTO v_found FROM events e WHERE e.ledger_id = p_ledger AND e.command_id = v_id
    ORDER BY e.n LIMIT 1;  -- keeps to the index, also where one import has nearly all events
    IF v_found.first IS NOT NULL THEN
        IF v_found.digest <> v_digest THEN
            RAISE EXCEPTION 'command id % is taken', v_id USING ERRCODE = 'TL003',
                DETAIL = json_build_object('command_id', v_id, 'first_position', v_found.first);
        END IF;
        first_position := v_found.first;
        last_position := v_found.last;
        recorded_at := v_found.at;
        repeated := true;
        streams := recorded_streams(p_ledger, v_id);
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
    PERFORM check_conditions(
        p_ledger,
        json_build_object('expected', v_given.expected, 'conditions', v_given.conditions, 'as_of', v_given.as_of,
                          'not_before', v_given.not_before, 'not_after', v_given.not_after),
        v_event.recorded_at);

    v_event.command_id := v_id;
    v_event.command := v_given.command;
    v_event.command_digest := v_digest;
    v_event.n := -1;
    FOR v_next IN SELECT * FROM json_to_recordset(v_given.events) AS given (
        stream_id text, version int, type text, schema int, topics text, data json, "by" text, occurred_at timestamptz)
    LOOP
        v_event.position := v_event.position + 1;
        v_event.n := v_event.n + 1;
        v_event.stream_id := v_next.stream_id;
        v_event.version := v_next.version;
        v_event.type := v_next.type;
        v_event.schema := v_next.schema;
        v_event.topics := string_to_array(v_next.topics, ',');
        v_event.data := v_next.data;
        v_event.by := v_next."by";
        v_event.occurred_at := v_next.occurred_at;
        v_event.digest := event_digest(v_event.digest, v_event);
        v_events := v_events || v_event;
    END LOOP;
    INSERT INTO events SELECT * FROM unnest(v_events);  -- in one statement: row security is asked once

    v_serving := write_rows(p_ledger, v_given.shapes, v_given.rows, v_head);
    v_first := (v_events[1]).stream_id;  -- what the command is about; its category and an s name its read model
    SELECT b.before, b.after INTO before, after
    FROM beside(p_ledger, left(v_first, -37) || 's', (v_serving ->> (left(v_first, -37) || 's'))::bigint, right(v_first, 36)) b;
    first_position := v_head + 1;
    last_position := v_event.position;
    recorded_at := v_event.recorded_at;
    repeated := false;
END
$$;

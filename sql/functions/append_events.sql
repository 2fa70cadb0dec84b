-- Records one command: its events numbered, timed and chained, its read-model rows beside them; or nothing at all.
--
-- `p_command` has its rows by read model as put_rows takes them, and the entries as put_entries does; `added` names the
-- read models all of whose rows are new. `p_documents` are the documents of all rows, one a line, so that each is read as
-- JSON once. Here every statement counts: what is asked is asked
-- at once, and functions are few and called by assignment, which takes no executor of its own. A plan is kept that was made
-- while the log was small, or nearly all of one import: where every index looks as good, and one gives an order that is
-- asked for, sorting what another one finds is ruled out (its price would have PostgreSQL 17 compile the rest).
-- What it refuses has a SQLSTATE of its own and its facts as JSON in the error's detail:
-- TL001 version conflict, TL002 a condition no longer holds, or texts were erased since, TL003 command id reused, TL004 ledger closed,
-- TL005 not a member, TL006 not unique, TL007 a read model is behind, TL008 the ledger's time is out of bounds,
-- TL012 this log lacks what the writer was told is committed, or holds another command there.
CREATE OR REPLACE FUNCTION tracking_ledger.append_events(
    p_ledger uuid, p_command json, p_documents text,
    OUT first_position bigint, OUT last_position bigint, OUT recorded_at timestamptz, OUT repeated boolean, OUT streams json,
    OUT before text, OUT after text)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = tracking_ledger, pg_temp SET plan_cache_mode = force_generic_plan SET enable_sort = off SET jit = off AS $$
DECLARE
    v_entered  text;
    v_given    record;  -- the command, read once: each -> on json reads all of its text again
    v_digest   bytea;
    v_standing record;
    v_adjacent_ids   record;
    v_count    int;
    v_first    text;
    v_key      text;  -- a read model and its shape
    v_model    text;
    v_rows     json;
    v_documents jsonb[];
    v_done     int := 0;  -- how many of the documents are written
    v_generation bigint;
BEGIN
    PERFORM FROM ledgers l
    WHERE l.ledger_id = p_ledger
      AND EXISTS (SELECT FROM ledger_members m WHERE m.ledger_id = p_ledger AND m.member = session_user)
    FOR NO KEY UPDATE;  -- require_member and lock_ledger in one statement
    IF FOUND THEN
        v_entered := set_config('ledger.id', p_ledger::text, true);
    ELSE
        PERFORM require_member(p_ledger);
        PERFORM lock_ledger(p_ledger);
    END IF;
    SELECT * INTO v_given FROM json_to_record(p_command) AS given (
        command_id uuid, command text, command_digest text, expected json, conditions text, as_of bigint, said bigint,
        known_position bigint, known_command uuid,
        not_before text, not_after text, read_models text[], events json, about text, models text[], added text[], changes json, entries json);
    v_digest := decode(v_given.command_digest, 'hex');
    SELECT l.state, l.reason, l.successor, coalesce(last.position, 0) AS head, coalesce(last.digest, sha256(uuid_send(l.origin))) AS digest,
           greatest(clock_timestamp(), last.recorded_at) AS now, found.position AS found, found.command_digest,
           differing.stream_id AS stream, differing.expected, differing.actual, l.serving, l.erased,
           known.command_id IS DISTINCT FROM v_given.known_command AS differs
    INTO v_standing
    FROM ledgers l
    LEFT JOIN LATERAL (SELECT e.position, e.digest, e.recorded_at FROM events e
                       WHERE e.ledger_id = p_ledger ORDER BY e.position DESC LIMIT 1) last ON true
    LEFT JOIN LATERAL (SELECT e.position, e.command_digest FROM events e
                       WHERE e.ledger_id = p_ledger AND e.command_id = v_given.command_id
                       ORDER BY e.n LIMIT 1) found ON true
    LEFT JOIN LATERAL (SELECT e.position, e.command_id FROM events e
                       WHERE e.ledger_id = p_ledger AND e.position <= v_given.known_position
                       ORDER BY e.position DESC LIMIT 1) known ON known.position = v_given.known_position
    LEFT JOIN LATERAL (SELECT x.key AS stream_id, x.value::int AS expected, coalesce(newest.version, 0) AS actual
                       FROM json_each_text(v_given.expected) x
                       LEFT JOIN LATERAL (SELECT e.version FROM events e WHERE e.ledger_id = p_ledger AND e.stream_id = x.key
                                          ORDER BY e.version DESC LIMIT 1) newest ON true
                       WHERE x.value::int <> coalesce(newest.version, 0) LIMIT 1) differing ON true
    WHERE l.ledger_id = p_ledger;

    IF v_standing.found IS NOT NULL THEN
        IF v_standing.command_digest <> v_digest THEN
            RAISE EXCEPTION 'command id % is taken', v_given.command_id USING ERRCODE = 'TL003',
                DETAIL = json_build_object('command_id', v_given.command_id, 'first_position', v_standing.found);
        END IF;
        SELECT f.first_position, f.last_position, f.recorded_at, true, f.streams
        INTO first_position, last_position, recorded_at, repeated, streams FROM find_command(p_ledger, v_given.command_id) f;
        RETURN;
    END IF;
    IF v_given.said > v_standing.head OR v_standing.differs THEN
        RAISE EXCEPTION 'ledger % ends at %, and is not the log whose % was shown', p_ledger, v_standing.head, v_given.said
            USING ERRCODE = 'TL012', DETAIL = json_build_object(
                'position', CASE WHEN v_standing.differs THEN v_given.known_position ELSE v_given.said END, 'head', v_standing.head);
    END IF;
    IF v_standing.state <> 'open' THEN
        RAISE EXCEPTION 'ledger % is closed', p_ledger USING ERRCODE = 'TL004',
            DETAIL = json_build_object('reason', v_standing.reason, 'successor', v_standing.successor);
    END IF;
    IF v_standing.stream IS NOT NULL THEN
        RAISE EXCEPTION 'stream % is at version %, not %', v_standing.stream, v_standing.actual, v_standing.expected
            USING ERRCODE = 'TL001', DETAIL = json_build_object(
                'stream_id', v_standing.stream, 'expected', v_standing.expected, 'actual', v_standing.actual);
    END IF;
    IF v_given.as_of BETWEEN 0 AND v_standing.erased - 1 THEN  -- it may hold the texts that are gone
        RAISE EXCEPTION 'texts were erased since it was decided' USING ERRCODE = 'TL002', DETAIL = json_build_object(
            'position', v_standing.erased, 'type', 'TextsErased', 'topics', json_build_array());
    END IF;
    IF v_given.conditions <> '' OR v_given.not_before IS NOT NULL OR v_given.not_after IS NOT NULL THEN
        PERFORM check_conditions(p_ledger, v_given.conditions, v_given.as_of, v_given.not_before, v_given.not_after, v_standing.now);
    END IF;
    IF NOT v_standing.serving ?& v_given.read_models THEN
        RAISE EXCEPTION 'a read model is not registered, or behind' USING ERRCODE = 'TL007',
            DETAIL = json_build_object('read_models', v_given.read_models, 'serving', v_standing.serving);
    END IF;

    INSERT INTO events (ledger_id, position, stream_id, version, command_id, n, command, command_digest, type, schema, topics,
                        data, by, occurred_at, recorded_at, digest)
    SELECT p_ledger, e.position, e.stream_id, e.version, v_given.command_id, e.n, v_given.command, v_digest, e.type, e.schema,
           string_to_array(e.topics, ','), e.data, e.by, e.occurred_at, v_standing.now,
           chain(v_standing.digest, event_header(
               e.position, e.stream_id, e.version, v_given.command_id, e.n, v_given.command, v_given.command_digest, e.type, e.schema,
               e.topics, e.by, e.occurred_at, v_standing.now), e.data) OVER (ORDER BY e.position)
    FROM (SELECT v_standing.head + g.place AS position, (g.place - 1)::int AS n, g.stream_id, g.version, g.type, g.schema,
                 g.topics, g.data, g.by, g.occurred_at
          FROM ROWS FROM (json_to_recordset(v_given.events) AS (
              stream_id text, version int, type text, schema int, topics text, data json, by text, occurred_at timestamptz))
              WITH ORDINALITY AS g (stream_id, version, type, schema, topics, data, by, occurred_at, place)) e;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    first_position := v_standing.head + 1;
    last_position := v_standing.head + v_count;

    IF v_standing.serving - v_given.read_models <> '{}' THEN  -- those of other programs
        UPDATE projections p SET behind_after = v_standing.head
        WHERE p.ledger_id = p_ledger AND p.behind_after IS NULL AND p.projection || ':' || p.shape <> ALL (v_given.read_models);
    END IF;
    v_documents := string_to_array(p_documents, E'\n');
    FOREACH v_key IN ARRAY v_given.models LOOP
        v_model := split_part(v_key, ':', 1);
        v_generation := v_standing.serving ->> v_key;
        v_rows := v_given.changes -> v_key;
        v_count := v_done + json_array_length(v_rows);
        IF v_key = ANY (v_given.added) THEN
            v_done := v_done + add_rows(p_ledger, v_model, v_generation, v_rows, v_documents[v_done + 1 : v_count], first_position);
        ELSE
            v_done := v_done + put_rows(p_ledger, v_model, v_generation, v_rows, v_documents[v_done + 1 : v_count], first_position);
        END IF;
        IF v_given.entries -> v_key IS NOT NULL THEN
            PERFORM put_entries(p_ledger, v_generation, v_given.entries -> v_key);
        END IF;
    END LOOP;

    v_first := v_given.events -> 0 ->> 'stream_id';  -- what the command is about
    v_adjacent_ids := adjacent_ids(p_ledger, split_part(v_given.about, ':', 1), (v_standing.serving ->> v_given.about)::bigint, right(v_first, 36));
    before := v_adjacent_ids.before;
    after := v_adjacent_ids.after;
    recorded_at := v_standing.now;
    repeated := false;
END
$$;

-- Records one command: its events numbered, timed and chained, its read-model rows beside them; or nothing at all.
--
-- Its parts are parameters of their own: to take them out of one JSON text cost more than to record them. What belongs to one
-- event stands at the same place of `p_streams`, `p_versions` and so on, what belongs to one row of `p_ids`, `p_row_versions`,
-- `p_ns` (of the event) and `p_terms`. `p_data` are the payloads of the events and `p_documents` the documents of the rows, one
-- a line. The rows of one read model stand together: `p_models` names it with its shape, `p_counts` says how many rows it has,
-- `p_are_new` whether it had none of them; `p_entries` is by read model what put_entries takes. `p_about` is the read model and
-- `p_about_id` the entity whose neighbours' ids are answered.
-- Here every statement counts: what is asked is asked at once, functions are few and called by assignment, which takes no
-- executor of its own, and one event is recorded without what the chain of many needs. A plan is kept that was made
-- while the log was small, or nearly all of one import: where every index looks as good, and one gives an order that is
-- asked for, sorting what another one finds is ruled out (its price would have PostgreSQL 17 compile the rest).
-- What the keys of `events` refuse (the command is recorded already, or a stream that it begins is there) is not asked before.
-- What it refuses has a SQLSTATE of its own and its facts as JSON in the error's detail:
-- TL001 version conflict, TL002 a condition no longer holds, or texts were erased since, TL003 command id reused,
-- TL004 ledger closed, TL005 not a member, TL006 not unique, TL007 a read model is behind, TL008 the ledger's time is out of bounds,
-- TL012 this log lacks what the writer was told is committed, or holds another command there, TL013 over the ledger's quota.
CREATE OR REPLACE FUNCTION tracking_ledger.append_events(
    p_ledger uuid, p_command_id uuid, p_command text, p_command_digest bytea, p_expected_streams text[], p_expected_versions int[],
    p_said bigint, p_known_position bigint, p_known_command uuid, p_conditions text, p_as_of bigint, p_not_before text,
    p_not_after text, p_read_models text[], p_streams text[], p_versions int[], p_types text[], p_schemas int[], p_topics text[],
    p_by text[], p_occurred_at timestamptz[], p_data text, p_models text[], p_counts int[], p_are_new boolean[], p_ids text[],
    p_row_versions int[], p_ns bigint[], p_terms text[], p_documents text, p_entries json, p_about text, p_about_id text)
RETURNS tracking_ledger.receipt
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = tracking_ledger, pg_temp SET plan_cache_mode = force_generic_plan SET enable_sort = off SET jit = off AS $$
DECLARE
    v_ledger   record;
    v_end      record;  -- of the log
    v_found    record;
    v_refusal  text;
    v_done     int := 0;  -- how many of the rows are written
    v_until    int;
    v_generation bigint;
    v_adjacent_ids record;
BEGIN
    SELECT l.state, l.reason, l.successor, l.origin, l.serving, l.erased, l.most_events, l.name,
           set_config('ledger.id', p_ledger::text, true) AS entered
    INTO v_ledger FROM ledgers l
    WHERE l.ledger_id = p_ledger
      AND EXISTS (SELECT FROM ledger_members m WHERE m.ledger_id = p_ledger AND m.member = session_user)
    FOR NO KEY UPDATE;  -- require_member and lock_ledger in one statement
    IF NOT FOUND THEN
        PERFORM require_member(p_ledger);
        SELECT l.state, l.reason, l.successor, l.origin, l.serving, l.erased, l.most_events, l.name INTO v_ledger
        FROM ledgers l
        WHERE l.ledger_id = p_ledger FOR NO KEY UPDATE;
    END IF;
    SELECT coalesce(last.position, 0) AS head, last.command_id, coalesce(last.digest, sha256(uuid_send(v_ledger.origin))) AS digest,
           greatest(clock_timestamp(), last.recorded_at) AS now
    INTO v_end
    FROM (SELECT) one
    LEFT JOIN (SELECT e.position, e.command_id, e.digest, e.recorded_at FROM events e
               WHERE e.ledger_id = p_ledger ORDER BY e.position DESC LIMIT 1) last ON true;
    IF p_known_position <> v_end.head THEN  -- others have written since
        SELECT e.command_id INTO v_end.command_id FROM events e
        WHERE e.ledger_id = p_ledger AND e.position = p_known_position;
    END IF;

    BEGIN
        v_refusal := CASE
            WHEN p_said > v_end.head
              OR p_known_position IS NOT NULL AND v_end.command_id IS DISTINCT FROM p_known_command THEN 'TL012'
            WHEN v_ledger.state <> 'open' THEN 'TL004'
            WHEN v_end.head + cardinality(p_streams) > v_ledger.most_events THEN 'TL013'
            WHEN p_as_of BETWEEN 0 AND v_ledger.erased - 1 THEN 'TL002'  -- it may hold the texts that are gone
            WHEN NOT v_ledger.serving ?& p_read_models THEN 'TL007'
        END;
        IF v_refusal = 'TL012' THEN
            RAISE EXCEPTION 'ledger % ends at %, and is not the log whose % was shown', p_ledger, v_end.head, p_said
                USING ERRCODE = v_refusal, DETAIL = json_build_object('head', v_end.head, 'position', CASE
                    WHEN p_known_position IS NOT NULL AND v_end.command_id IS DISTINCT FROM p_known_command
                    THEN p_known_position ELSE p_said END);
        ELSIF v_refusal = 'TL004' THEN
            RAISE EXCEPTION 'ledger % is closed', p_ledger USING ERRCODE = v_refusal,
                DETAIL = json_build_object('reason', v_ledger.reason, 'successor', v_ledger.successor);
        ELSIF v_refusal = 'TL013' THEN
            RAISE EXCEPTION 'ledger % is full', p_ledger USING ERRCODE = v_refusal, DETAIL = json_build_object(
                'ledger', p_ledger, 'name', v_ledger.name, 'most_events', v_ledger.most_events, 'events', v_end.head,
                'more', cardinality(p_streams));
        ELSIF v_refusal = 'TL002' THEN
            RAISE EXCEPTION 'texts were erased since it was decided' USING ERRCODE = v_refusal,
                DETAIL = json_build_object('position', v_ledger.erased, 'type', 'TextsErased', 'topics', json_build_array());
        ELSIF v_refusal = 'TL007' THEN
            RAISE EXCEPTION 'a read model is not registered, or behind' USING ERRCODE = v_refusal,
                DETAIL = json_build_object('read_models', p_read_models, 'serving', v_ledger.serving);
        END IF;
        IF p_expected_streams IS NOT NULL THEN
            PERFORM check_versions(p_ledger, p_expected_streams, p_expected_versions);
        END IF;
        IF p_conditions IS NOT NULL OR p_not_before IS NOT NULL OR p_not_after IS NOT NULL THEN
            PERFORM check_conditions(p_ledger, p_conditions, p_as_of, p_not_before, p_not_after, v_end.now);
        END IF;
        IF cardinality(p_streams) = 1 THEN
            INSERT INTO events (ledger_id, position, stream_id, version, command_id, n, command, command_digest, type, schema, topics,
                                data, by, occurred_at, recorded_at, digest)
            VALUES (p_ledger, v_end.head + 1, p_streams[1], p_versions[1], p_command_id, 0, p_command, p_command_digest, p_types[1],
                    p_schemas[1], string_to_array(p_topics[1], ','), p_data::json, p_by[1], p_occurred_at[1], v_end.now,
                    chained(v_end.digest, event_header(
                        v_end.head + 1, p_streams[1], p_versions[1], p_command_id, 0, p_command, encode(p_command_digest, 'hex'),
                        p_types[1], p_schemas[1], p_topics[1], p_by[1], p_occurred_at[1], v_end.now), p_data));
        ELSE
            INSERT INTO events (ledger_id, position, stream_id, version, command_id, n, command, command_digest, type, schema, topics,
                                data, by, occurred_at, recorded_at, digest)
            SELECT p_ledger, e.position, e.stream_id, e.version, p_command_id, e.n, p_command, p_command_digest, e.type, e.schema,
                   string_to_array(e.topics, ','), e.data, e.by, e.occurred_at, v_end.now,
                   chain(v_end.digest, event_header(
                       e.position, e.stream_id, e.version, p_command_id, e.n, p_command, encode(p_command_digest, 'hex'), e.type, e.schema,
                       e.topics, e.by, e.occurred_at, v_end.now), e.data) OVER (ORDER BY e.position)
            FROM (SELECT v_end.head + g.n + 1 AS position, g.*
                  FROM (SELECT generate_series(0, cardinality(p_streams) - 1) AS n, unnest(p_streams) AS stream_id,
                               unnest(p_versions) AS version, unnest(p_types) AS type, unnest(p_schemas) AS schema,
                               unnest(p_topics) AS topics, unnest(string_to_array(p_data, E'\n'))::json AS data,
                               unnest(p_by) AS by, unnest(p_occurred_at) AS occurred_at) g) e;
        END IF;
    EXCEPTION
        WHEN unique_violation OR SQLSTATE 'TL001' OR SQLSTATE 'TL002' OR SQLSTATE 'TL004' OR SQLSTATE 'TL007' OR SQLSTATE 'TL008'
          OR SQLSTATE 'TL012' OR SQLSTATE 'TL013' THEN
            SELECT f.*, f.command_digest <> p_command_digest AS differs INTO v_found FROM find_command(p_ledger, p_command_id) f;
            IF v_found.differs THEN
                RAISE EXCEPTION 'command id % is taken', p_command_id USING ERRCODE = 'TL003',
                    DETAIL = json_build_object('command_id', p_command_id, 'first_position', v_found.first_position);
            ELSIF FOUND THEN
                RETURN ROW(v_found.first_position, v_found.last_position, v_found.recorded_at, true, v_found.streams, NULL,
                           NULL)::receipt;
            END IF;
            PERFORM check_versions(p_ledger, array_agg(s.stream_id), array_agg(s.version - 1))
            FROM (SELECT unnest(p_streams) AS stream_id, unnest(p_versions) AS version) s WHERE s.version = 1;
            RAISE;
    END;

    IF v_ledger.serving - p_read_models <> '{}' THEN  -- those of other programs
        UPDATE projections p SET behind_after = v_end.head
        WHERE p.ledger_id = p_ledger AND p.behind_after IS NULL AND p.projection || ':' || p.shape <> ALL (p_read_models);
    END IF;
    FOR v_number IN 1 .. cardinality(p_models) LOOP
        v_until := v_done + p_counts[v_number];
        v_generation := v_ledger.serving ->> p_models[v_number];
        IF p_are_new[v_number] THEN
            v_done := v_done + add_rows(
                p_ledger, split_part(p_models[v_number], ':', 1), v_generation, p_ids[v_done + 1 : v_until],
                p_row_versions[v_done + 1 : v_until], p_ns[v_done + 1 : v_until], p_terms[v_done + 1 : v_until],
                (string_to_array(p_documents, E'\n'))[v_done + 1 : v_until]::jsonb[], v_end.head + 1);
        ELSE
            v_done := v_done + put_rows(
                p_ledger, split_part(p_models[v_number], ':', 1), v_generation, p_ids[v_done + 1 : v_until],
                p_row_versions[v_done + 1 : v_until], p_ns[v_done + 1 : v_until], p_terms[v_done + 1 : v_until],
                (string_to_array(p_documents, E'\n'))[v_done + 1 : v_until]::jsonb[], v_end.head + 1);
        END IF;
        IF p_entries IS NOT NULL THEN
            PERFORM put_entries(p_ledger, v_generation, p_entries -> p_models[v_number]);
        END IF;
    END LOOP;

    v_adjacent_ids := adjacent_ids(p_ledger, split_part(p_about, ':', 1), (v_ledger.serving ->> p_about)::bigint, p_about_id);
    RETURN ROW(v_end.head + 1, v_end.head + cardinality(p_streams), v_end.now, false, NULL,
               v_adjacent_ids.before, v_adjacent_ids.after)::receipt;
END
$$;

-- Records many commands of one event each, all of them or none: what threads have that append at the same time.
--
-- It is append_event for many, with one statement for all of their events and one for the rows of each read model. What belongs
-- to one command stands at the same place of `p_command_ids`, `p_streams` and so on, its payload in a line of `p_data`; the rows
-- are given as to append_events. The writer sees to it that no command writes what another one looks at, and `p_expected_streams`
-- and `p_conditions` with the bounds of time are of all of them. If anything is in the way of one of them, nothing is recorded,
-- and there is no first position: append_group then says what is refused.
CREATE OR REPLACE FUNCTION tracking_ledger.append_group_at_once(
    p_ledger uuid, p_said bigint, p_known_position bigint, p_known_command uuid, p_expected_streams text[],
    p_expected_versions int[], p_conditions text[], p_conditions_as_of bigint[], p_not_before text[], p_not_after text[],
    p_as_of bigint, p_read_models text[], p_command_ids uuid[], p_commands text[], p_command_digests bytea[],
    p_streams text[], p_versions int[], p_types text[], p_schemas int[], p_topics text[],
    p_by text[], p_occurred_at timestamptz[], p_data text, p_models text[], p_counts int[],
    p_are_new boolean[], p_ids text[], p_row_versions int[], p_ns bigint[], p_terms text[], p_documents text, p_entries json,
    OUT first_position bigint, OUT recorded timestamptz, OUT alike json[])
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = tracking_ledger, pg_temp SET plan_cache_mode = force_generic_plan SET enable_sort = off SET jit = off AS $$
DECLARE
    v_state       text;
    v_serving     jsonb;
    v_erased      bigint;
    v_most_events bigint;
    v_head        bigint;
    v_command_id  uuid;
    v_digest      bytea;
    v_now         timestamptz;
    v_entered     text;
    v_documents   jsonb[];
    v_model       text;
    v_generation  bigint;
    v_alike       json;
    v_from        int := 1;  -- the first row of a read model, and the last
    v_until       int;
BEGIN
    SELECT l.state, l.serving, l.erased, l.most_events, set_config('ledger.id', p_ledger::text, true)
    INTO v_state, v_serving, v_erased, v_most_events, v_entered
    FROM ledgers l
    WHERE l.ledger_id = p_ledger
      AND EXISTS (SELECT FROM ledger_members m WHERE m.ledger_id = p_ledger AND m.member = session_user)
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        PERFORM require_member(p_ledger);
    END IF;
    SELECT e.position, e.command_id, e.digest, greatest(clock_timestamp(), e.recorded_at)
    INTO v_head, v_command_id, v_digest, v_now
    FROM events e WHERE e.ledger_id = p_ledger AND e.position >= p_said  -- without a bound the index reads all of its last page
    ORDER BY e.position DESC LIMIT 1;
    IF p_known_position <> v_head THEN  -- others have written since
        SELECT e.command_id INTO v_command_id FROM events e WHERE e.ledger_id = p_ledger AND e.position = p_known_position;
    END IF;
    IF v_state = 'open' AND p_said <= v_head AND (p_known_position IS NULL OR v_command_id = p_known_command)
       AND (v_most_events IS NULL OR v_head + cardinality(p_streams) <= v_most_events) AND (p_as_of IS NULL OR p_as_of >= v_erased)
       AND v_serving ?& p_read_models AND v_serving - p_read_models = '{}' THEN
        IF p_expected_streams IS NOT NULL THEN
            PERFORM check_versions(p_ledger, p_expected_streams, p_expected_versions);
        END IF;
        FOR v_number IN 1 .. coalesce(cardinality(p_conditions), 0) LOOP
            PERFORM check_conditions(p_ledger, p_conditions[v_number], p_conditions_as_of[v_number], p_not_before[v_number],
                                     p_not_after[v_number], v_now);
        END LOOP;
        INSERT INTO events (ledger_id, position, stream_id, version, command_id, n, command, command_digest, type, schema, topics,
                            data, by, occurred_at, recorded_at, digest)
        SELECT p_ledger, e.position, e.stream_id, e.version, e.command_id, 0, e.command, e.command_digest, e.type, e.schema,
               string_to_array(e.topics, ','), e.data, e.by, e.occurred_at, v_now,
               chain(v_digest, event_header(
                   e.position, e.stream_id, e.version, e.command_id, 0, e.command, encode(e.command_digest, 'hex'), e.type, e.schema,
                   e.topics, e.by, e.occurred_at, v_now), e.data) OVER (ORDER BY e.position)
        FROM (SELECT generate_series(v_head + 1, v_head + cardinality(p_streams)) AS position, unnest(p_streams) AS stream_id,
                     unnest(p_versions) AS version, unnest(p_command_ids) AS command_id, unnest(p_commands) AS command,
                     unnest(p_command_digests) AS command_digest, unnest(p_types) AS type, unnest(p_schemas) AS schema,
                     unnest(p_topics) AS topics, unnest(string_to_array(p_data, E'\n'))::json AS data, unnest(p_by) AS by,
                     unnest(p_occurred_at) AS occurred_at) e;
        v_documents := string_to_array(p_documents, E'\n')::jsonb[];
        FOR v_number IN 1 .. cardinality(p_models) LOOP
            v_until := v_from + p_counts[v_number] - 1;
            v_model := split_part(p_models[v_number], ':', 1);
            v_generation := v_serving ->> p_models[v_number];
            IF p_are_new[v_number] THEN
                PERFORM add_rows(
                    p_ledger, v_model, v_generation, p_ids[v_from : v_until], p_row_versions[v_from : v_until],
                    p_ns[v_from : v_until], p_terms[v_from : v_until], v_documents[v_from : v_until], v_head + 1);
            ELSE
                PERFORM put_rows(
                    p_ledger, v_model, v_generation, p_ids[v_from : v_until], p_row_versions[v_from : v_until],
                    p_ns[v_from : v_until], p_terms[v_from : v_until], v_documents[v_from : v_until], v_head + 1);
            END IF;
            IF p_entries IS NOT NULL THEN
                PERFORM put_entries(p_ledger, v_generation, p_entries -> p_models[v_number]);
            END IF;
            v_alike := alike_ids(p_ledger, v_model, v_generation, p_ids[v_from : v_until]);
            IF v_alike IS NOT NULL THEN
                alike := alike || v_alike;
            END IF;
            v_from := v_until + 1;
        END LOOP;
        first_position := v_head + 1;
        recorded := v_now;
    END IF;
EXCEPTION
    WHEN unique_violation OR SQLSTATE 'TL001' OR SQLSTATE 'TL002' OR SQLSTATE 'TL006' OR SQLSTATE 'TL008' THEN
        NULL;  -- nothing is recorded: append_group finds out whose it is
END
$$;

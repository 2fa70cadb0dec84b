-- Records a command of one event with the row of its entity, or without a row: what nearly every command is.
--
-- It is append_events without arrays, and its row comes with its columns ready: `p_columns` is a row of the read model's table
-- of which only those columns are given that are made from the document (see columns_of_work_items; what compares read models
-- holds the two against each other). The neighbours' ids are answered where a reference could be ambiguous. Whatever is out of
-- the ordinary is left to append_events, which says why it is refused.
CREATE OR REPLACE FUNCTION tracking_ledger.append_event(
    p_ledger uuid, p_command_id uuid, p_command text, p_command_digest bytea, p_expected_streams text[], p_expected_versions int[],
    p_said bigint, p_known_position bigint, p_known_command uuid, p_conditions text, p_as_of bigint, p_not_before text,
    p_not_after text, p_read_models text[], p_stream text, p_version int, p_type text, p_schema int, p_topics text, p_by text,
    p_occurred_at timestamptz, p_data text, p_model text, p_is_new boolean, p_document jsonb, p_columns text, p_terms tsvector,
    p_entries json)
RETURNS tracking_ledger.receipt
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
    v_position    bigint;
    v_generation  bigint;
    v_id          text;
    v_alike       text;  -- another id that begins like this one
    v_adjacent_ids record;
    v_entered     text;
    v_row         record;  -- of one of the read models: a variable for each would look up all of their tables in each session
BEGIN
    SELECT l.state, l.serving, l.erased, l.most_events, set_config('ledger.id', p_ledger::text, true)
    INTO v_state, v_serving, v_erased, v_most_events, v_entered
    FROM ledgers l
    WHERE l.ledger_id = p_ledger
      AND EXISTS (SELECT FROM ledger_members m WHERE m.ledger_id = p_ledger AND m.member = session_user)
    FOR NO KEY UPDATE;
    SELECT e.position, e.position + 1, e.command_id, e.digest, greatest(clock_timestamp(), e.recorded_at)
    INTO v_head, v_position, v_command_id, v_digest, v_now
    FROM events e WHERE e.ledger_id = p_ledger AND e.position >= p_said  -- without a bound the index reads all of its last page
    ORDER BY e.position DESC LIMIT 1;
    IF p_known_position <> v_head THEN  -- others have written since
        SELECT e.command_id INTO v_command_id FROM events e WHERE e.ledger_id = p_ledger AND e.position = p_known_position;
    END IF;
    IF v_state = 'open' AND p_said <= v_head AND (p_known_position IS NULL OR v_command_id = p_known_command)
       AND (v_most_events IS NULL OR v_head < v_most_events) AND (p_as_of < 0 OR p_as_of >= v_erased)
       AND v_serving ?& p_read_models AND v_serving - p_read_models = '{}' THEN
        BEGIN
            IF p_expected_streams IS NOT NULL THEN
                PERFORM check_versions(p_ledger, p_expected_streams, p_expected_versions);
            END IF;
            IF p_conditions IS NOT NULL OR p_not_before IS NOT NULL OR p_not_after IS NOT NULL THEN
                PERFORM check_conditions(p_ledger, p_conditions, p_as_of, p_not_before, p_not_after, v_now);
            END IF;
            INSERT INTO events (ledger_id, position, stream_id, version, command_id, n, command, command_digest, type, schema,
                                topics, data, by, occurred_at, recorded_at, digest)
            VALUES (p_ledger, v_position, p_stream, p_version, p_command_id, 0, p_command, p_command_digest, p_type, p_schema,
                    string_to_array(p_topics, ','), p_data::json, p_by, p_occurred_at, v_now,
                    chained(v_digest, event_header(
                        v_position, p_stream, p_version, p_command_id, 0, p_command, encode(p_command_digest, 'hex'), p_type,
                        p_schema, p_topics, p_by, p_occurred_at, v_now), p_data));
            IF p_model IS NOT NULL THEN
                v_generation := v_serving ->> p_model;
                v_id := right(p_stream, 36);
                CASE split_part(p_model, ':', 1)
                -- generated: a row
                WHEN 'work_items' THEN
                    v_row := p_columns::work_items;
                    IF p_is_new THEN
                        INSERT INTO work_item_terms (ledger_id, generation, id, terms) VALUES (p_ledger, v_generation, v_id, p_terms);
                        INSERT INTO work_items (ledger_id, generation, id, version, position, doc, item_type, status, title, parent_id,
                            priority, rank, hidden, claimed_by, claimed_until, created_at, updated_at, category, assignee, waits_for,
                            due_by, starts_at, milestone_id, estimate, effort_minutes, effort_tokens, effort_cost)
                        VALUES (p_ledger, v_generation, v_id, p_version, v_position, p_document, v_row.item_type, v_row.status, v_row.title,
                            v_row.parent_id, v_row.priority, v_row.rank, v_row.hidden, v_row.claimed_by, v_row.claimed_until,
                            v_row.created_at, v_row.updated_at, v_row.category, v_row.assignee, v_row.waits_for, v_row.due_by,
                            v_row.starts_at, v_row.milestone_id, v_row.estimate, v_row.effort_minutes, v_row.effort_tokens,
                            v_row.effort_cost)
                        RETURNING (SELECT t.id FROM work_items t WHERE t.ledger_id = p_ledger AND t.generation = v_generation
                                   AND t.id BETWEEN left(v_id, 6) AND left(v_id, 6) || 'g' AND t.id <> v_id ORDER BY t.id LIMIT 1)
                        INTO v_alike;
                    ELSE
                        IF p_terms IS NOT NULL THEN
                            INSERT INTO work_item_terms (ledger_id, generation, id, terms) VALUES (p_ledger, v_generation, v_id, p_terms)
                            ON CONFLICT (ledger_id, generation, id) DO UPDATE SET terms = excluded.terms;
                        END IF;
                        INSERT INTO work_items (ledger_id, generation, id, version, position, doc, item_type, status, title, parent_id,
                            priority, rank, hidden, claimed_by, claimed_until, created_at, updated_at, category, assignee, waits_for,
                            due_by, starts_at, milestone_id, estimate, effort_minutes, effort_tokens, effort_cost)
                        VALUES (p_ledger, v_generation, v_id, p_version, v_position, p_document, v_row.item_type, v_row.status, v_row.title,
                            v_row.parent_id, v_row.priority, v_row.rank, v_row.hidden, v_row.claimed_by, v_row.claimed_until,
                            v_row.created_at, v_row.updated_at, v_row.category, v_row.assignee, v_row.waits_for, v_row.due_by,
                            v_row.starts_at, v_row.milestone_id, v_row.estimate, v_row.effort_minutes, v_row.effort_tokens,
                            v_row.effort_cost)
                        ON CONFLICT (ledger_id, generation, id) DO UPDATE SET
                            (version, position, doc, item_type, status, title, parent_id, priority, rank, hidden, claimed_by, claimed_until,
                            created_at, updated_at, category, assignee, waits_for, due_by, starts_at, milestone_id, estimate,
                            effort_minutes, effort_tokens, effort_cost) =
                            (excluded.version, excluded.position, excluded.doc, excluded.item_type, excluded.status, excluded.title,
                            excluded.parent_id, excluded.priority, excluded.rank, excluded.hidden, excluded.claimed_by,
                            excluded.claimed_until, excluded.created_at, excluded.updated_at, excluded.category, excluded.assignee,
                            excluded.waits_for, excluded.due_by, excluded.starts_at, excluded.milestone_id, excluded.estimate,
                            excluded.effort_minutes, excluded.effort_tokens, excluded.effort_cost)
                        RETURNING (SELECT t.id FROM work_items t WHERE t.ledger_id = p_ledger AND t.generation = v_generation
                                   AND t.id BETWEEN left(v_id, 6) AND left(v_id, 6) || 'g' AND t.id <> v_id ORDER BY t.id LIMIT 1)
                        INTO v_alike;
                    END IF;
                WHEN 'vendors' THEN
                    v_row := p_columns::vendors;
                    IF p_is_new THEN
                        INSERT INTO vendors (ledger_id, generation, id, version, position, doc, name_key, status, withdrawn)
                        VALUES (p_ledger, v_generation, v_id, p_version, v_position, p_document, v_row.name_key, v_row.status,
                            v_row.withdrawn)
                        RETURNING (SELECT t.id FROM vendors t WHERE t.ledger_id = p_ledger AND t.generation = v_generation
                                   AND t.id BETWEEN left(v_id, 6) AND left(v_id, 6) || 'g' AND t.id <> v_id ORDER BY t.id LIMIT 1)
                        INTO v_alike;
                    ELSE
                        INSERT INTO vendors (ledger_id, generation, id, version, position, doc, name_key, status, withdrawn)
                        VALUES (p_ledger, v_generation, v_id, p_version, v_position, p_document, v_row.name_key, v_row.status,
                            v_row.withdrawn)
                        ON CONFLICT (ledger_id, generation, id) DO UPDATE SET
                            (version, position, doc, name_key, status, withdrawn) =
                            (excluded.version, excluded.position, excluded.doc, excluded.name_key, excluded.status, excluded.withdrawn)
                        RETURNING (SELECT t.id FROM vendors t WHERE t.ledger_id = p_ledger AND t.generation = v_generation
                                   AND t.id BETWEEN left(v_id, 6) AND left(v_id, 6) || 'g' AND t.id <> v_id ORDER BY t.id LIMIT 1)
                        INTO v_alike;
                    END IF;
                WHEN 'deployments' THEN
                    v_row := p_columns::deployments;
                    IF p_is_new THEN
                        INSERT INTO deployments (ledger_id, generation, id, version, position, doc, deployed_at, environment, withdrawn)
                        VALUES (p_ledger, v_generation, v_id, p_version, v_position, p_document, v_row.deployed_at, v_row.environment,
                            v_row.withdrawn)
                        RETURNING (SELECT t.id FROM deployments t WHERE t.ledger_id = p_ledger AND t.generation = v_generation
                                   AND t.id BETWEEN left(v_id, 6) AND left(v_id, 6) || 'g' AND t.id <> v_id ORDER BY t.id LIMIT 1)
                        INTO v_alike;
                    ELSE
                        INSERT INTO deployments (ledger_id, generation, id, version, position, doc, deployed_at, environment, withdrawn)
                        VALUES (p_ledger, v_generation, v_id, p_version, v_position, p_document, v_row.deployed_at, v_row.environment,
                            v_row.withdrawn)
                        ON CONFLICT (ledger_id, generation, id) DO UPDATE SET
                            (version, position, doc, deployed_at, environment, withdrawn) =
                            (excluded.version, excluded.position, excluded.doc, excluded.deployed_at, excluded.environment,
                            excluded.withdrawn)
                        RETURNING (SELECT t.id FROM deployments t WHERE t.ledger_id = p_ledger AND t.generation = v_generation
                                   AND t.id BETWEEN left(v_id, 6) AND left(v_id, 6) || 'g' AND t.id <> v_id ORDER BY t.id LIMIT 1)
                        INTO v_alike;
                    END IF;
                WHEN 'enhancements' THEN
                    v_row := p_columns::enhancements;
                    IF p_is_new THEN
                        INSERT INTO enhancements (ledger_id, generation, id, version, position, doc, status, priority, target_quarter, rank,
                            withdrawn)
                        VALUES (p_ledger, v_generation, v_id, p_version, v_position, p_document, v_row.status, v_row.priority,
                            v_row.target_quarter, v_row.rank, v_row.withdrawn)
                        RETURNING (SELECT t.id FROM enhancements t WHERE t.ledger_id = p_ledger AND t.generation = v_generation
                                   AND t.id BETWEEN left(v_id, 6) AND left(v_id, 6) || 'g' AND t.id <> v_id ORDER BY t.id LIMIT 1)
                        INTO v_alike;
                    ELSE
                        INSERT INTO enhancements (ledger_id, generation, id, version, position, doc, status, priority, target_quarter, rank,
                            withdrawn)
                        VALUES (p_ledger, v_generation, v_id, p_version, v_position, p_document, v_row.status, v_row.priority,
                            v_row.target_quarter, v_row.rank, v_row.withdrawn)
                        ON CONFLICT (ledger_id, generation, id) DO UPDATE SET
                            (version, position, doc, status, priority, target_quarter, rank, withdrawn) =
                            (excluded.version, excluded.position, excluded.doc, excluded.status, excluded.priority, excluded.target_quarter,
                            excluded.rank, excluded.withdrawn)
                        RETURNING (SELECT t.id FROM enhancements t WHERE t.ledger_id = p_ledger AND t.generation = v_generation
                                   AND t.id BETWEEN left(v_id, 6) AND left(v_id, 6) || 'g' AND t.id <> v_id ORDER BY t.id LIMIT 1)
                        INTO v_alike;
                    END IF;
                WHEN 'configurations' THEN
                    IF p_is_new THEN
                        INSERT INTO configurations (ledger_id, generation, id, version, position, doc)
                        VALUES (p_ledger, v_generation, v_id, p_version, v_position, p_document);
                    ELSE
                        INSERT INTO configurations (ledger_id, generation, id, version, position, doc)
                        VALUES (p_ledger, v_generation, v_id, p_version, v_position, p_document)
                        ON CONFLICT (ledger_id, generation, id) DO UPDATE SET
                            (version, position, doc) =
                            (excluded.version, excluded.position, excluded.doc);
                    END IF;
                WHEN 'conflicts' THEN
                    v_row := p_columns::conflicts;
                    IF p_is_new THEN
                        INSERT INTO conflicts (ledger_id, generation, id, version, position, doc, status, created_at)
                        VALUES (p_ledger, v_generation, v_id, p_version, v_position, p_document, v_row.status, v_row.created_at)
                        RETURNING (SELECT t.id FROM conflicts t WHERE t.ledger_id = p_ledger AND t.generation = v_generation
                                   AND t.id BETWEEN left(v_id, 6) AND left(v_id, 6) || 'g' AND t.id <> v_id ORDER BY t.id LIMIT 1)
                        INTO v_alike;
                    ELSE
                        INSERT INTO conflicts (ledger_id, generation, id, version, position, doc, status, created_at)
                        VALUES (p_ledger, v_generation, v_id, p_version, v_position, p_document, v_row.status, v_row.created_at)
                        ON CONFLICT (ledger_id, generation, id) DO UPDATE SET
                            (version, position, doc, status, created_at) =
                            (excluded.version, excluded.position, excluded.doc, excluded.status, excluded.created_at)
                        RETURNING (SELECT t.id FROM conflicts t WHERE t.ledger_id = p_ledger AND t.generation = v_generation
                                   AND t.id BETWEEN left(v_id, 6) AND left(v_id, 6) || 'g' AND t.id <> v_id ORDER BY t.id LIMIT 1)
                        INTO v_alike;
                    END IF;
                -- end
                END CASE;
                IF p_entries IS NOT NULL THEN
                    PERFORM put_entries(p_ledger, v_generation, p_entries);
                END IF;
            END IF;
            IF v_alike IS NULL THEN
                RETURN ROW(v_position, v_position, v_now, false, NULL, NULL, NULL)::receipt;
            END IF;
            v_adjacent_ids := adjacent_ids(p_ledger, split_part(p_model, ':', 1), v_generation, v_id);
            RETURN ROW(v_position, v_position, v_now, false, NULL, v_adjacent_ids.before, v_adjacent_ids.after)::receipt;
        EXCEPTION
            WHEN unique_violation OR SQLSTATE 'TL001' OR SQLSTATE 'TL002' OR SQLSTATE 'TL008' THEN
                NULL;  -- nothing is recorded: append_events finds out what is in the way
            WHEN invalid_text_representation THEN
                NULL;  -- the table has other columns than the writer's program knows: append_events makes them from the document
        END;
    END IF;
    RETURN append_events(
        p_ledger, p_command_id, p_command, p_command_digest, p_expected_streams, p_expected_versions, p_said, p_known_position,
        p_known_command, p_conditions, p_as_of, p_not_before, p_not_after, p_read_models, ARRAY[p_stream], ARRAY[p_version],
        ARRAY[p_type], ARRAY[p_schema], ARRAY[p_topics], ARRAY[p_by], ARRAY[p_occurred_at], p_data,
        array_remove(ARRAY[p_model], NULL), ARRAY[1], ARRAY[p_is_new], ARRAY[right(p_stream, 36)], ARRAY[p_version],
        ARRAY[0::bigint], ARRAY[p_terms::text], p_document::text,
        CASE WHEN p_entries IS NOT NULL THEN json_build_object(p_model, p_entries) END, p_model, right(p_stream, 36));
END
$$;

SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
CREATE SCHEMA tracking_ledger;
CREATE FUNCTION tracking_ledger.adopt_origin(p_ledger uuid, p_origin uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'tracking_ledger', 'pg_temp'
    AS $$
BEGIN
    PERFORM require_member(p_ledger);
    PERFORM lock_ledger(p_ledger);
    PERFORM settle_origin(p_ledger, p_origin);
END
$$;
CREATE FUNCTION tracking_ledger.append_events(p_ledger uuid, p_command json, p_documents text, OUT first_position bigint, OUT last_position bigint, OUT recorded_at timestamp with time zone, OUT repeated boolean, OUT streams json, OUT before text, OUT after text) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'tracking_ledger', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
DECLARE
    v_given    record;  -- the command, read once: each -> on json reads all of its text again
    v_digest   bytea;
    v_standing record;
    v_beside   record;
    v_count    int;
    v_first    text;
    v_model    text;
    v_rows     json;
    v_documents jsonb[];
    v_done     int := 0;  -- how many of the documents are written
    v_generation bigint;
BEGIN
    PERFORM require_member(p_ledger);
    PERFORM lock_ledger(p_ledger);
    SELECT * INTO v_given FROM json_to_record(p_command) AS given (
        command_id uuid, command text, command_digest text, expected json, conditions text, as_of bigint, said bigint,
        not_before text, not_after text, shapes jsonb, events json, models text[], changes json, entries json);
    v_digest := decode(v_given.command_digest, 'hex');
    SELECT l.state, l.reason, l.successor, coalesce(last.position, 0) AS head, coalesce(last.digest, sha256(uuid_send(l.origin))) AS digest,
           greatest(clock_timestamp(), last.recorded_at) AS now, found.position AS found, found.command_digest,
           differing.stream_id AS stream, differing.expected, differing.actual, models.serving, models.missing, models.others
    INTO v_standing
    FROM ledgers l
    LEFT JOIN LATERAL (SELECT e.position, e.digest, e.recorded_at FROM events e
                       WHERE e.ledger_id = p_ledger ORDER BY e.position DESC LIMIT 1) last ON true
    LEFT JOIN LATERAL (SELECT e.position, e.command_digest FROM events e
                       WHERE e.ledger_id = p_ledger AND e.command_id = v_given.command_id
                       ORDER BY e.n LIMIT 1) found ON true  -- keeps to the index, also where one import has nearly all events
    LEFT JOIN LATERAL (SELECT x.key AS stream_id, x.value::int AS expected, coalesce(newest.version, 0) AS actual
                       FROM json_each_text(v_given.expected) x
                       LEFT JOIN LATERAL (SELECT e.version FROM events e WHERE e.ledger_id = p_ledger AND e.stream_id = x.key
                                          ORDER BY e.version DESC LIMIT 1) newest ON true
                       WHERE x.value::int <> coalesce(newest.version, 0) LIMIT 1) differing ON true
    LEFT JOIN LATERAL (SELECT jsonb_object_agg(p.projection, p.generation) FILTER (WHERE known) AS serving,
                              v_given.shapes - coalesce(array_agg(p.projection) FILTER (WHERE known), '{}') <> '{}' AS missing,
                              coalesce(bool_or(known IS NOT TRUE), false) AS others
                       FROM projections p, LATERAL (SELECT (v_given.shapes ->> p.projection)::int = p.shape) AS k (known)
                       WHERE p.ledger_id = p_ledger AND p.behind_after IS NULL) models ON true
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
    IF v_given.said > v_standing.head THEN
        RAISE EXCEPTION 'ledger % ends at %, and % was called committed', p_ledger, v_standing.head, v_given.said USING ERRCODE = 'TL012',
            DETAIL = json_build_object('position', v_given.said, 'head', v_standing.head);
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
    IF v_given.conditions <> '' OR v_given.not_before IS NOT NULL OR v_given.not_after IS NOT NULL THEN
        PERFORM check_conditions(p_ledger, v_given.conditions, v_given.as_of, v_given.not_before, v_given.not_after, v_standing.now);
    END IF;
    IF v_standing.missing THEN
        RAISE EXCEPTION 'a read model is not registered, or behind' USING ERRCODE = 'TL007',
            DETAIL = json_build_object('shapes', v_given.shapes, 'serving', v_standing.serving);
    END IF;
    INSERT INTO events (ledger_id, position, stream_id, version, command_id, n, command, command_digest, type, schema, topics,
                        data, by, occurred_at, recorded_at, digest)
    SELECT p_ledger, e.position, e.stream_id, e.version, v_given.command_id, e.n, v_given.command, v_digest, e.type, e.schema,
           string_to_array(e.topics, ','), e.data, e.by, e.occurred_at, v_standing.now,
           chain(v_standing.digest, header(
               e.position, e.stream_id, e.version, v_given.command_id, e.n, v_given.command, v_given.command_digest, e.type, e.schema,
               e.topics, e.by, e.occurred_at, v_standing.now), e.data) OVER (ORDER BY e.position)
    FROM (SELECT v_standing.head + g.place AS position, (g.place - 1)::int AS n, g.stream_id, g.version, g.type, g.schema,
                 g.topics, g.data, g.by, g.occurred_at
          FROM ROWS FROM (json_to_recordset(v_given.events) AS (
              stream_id text, version int, type text, schema int, topics text, data json, by text, occurred_at timestamptz))
              WITH ORDINALITY AS g (stream_id, version, type, schema, topics, data, by, occurred_at, place)) e;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    last_position := v_standing.head + v_count;
    IF v_standing.others THEN
        UPDATE projections p SET behind_after = v_standing.head
        WHERE p.ledger_id = p_ledger AND p.behind_after IS NULL AND (v_given.shapes ->> p.projection)::int IS DISTINCT FROM p.shape;
    END IF;
    v_documents := string_to_array(p_documents, E'\n');
    FOREACH v_model IN ARRAY v_given.models LOOP
        v_generation := v_standing.serving ->> v_model;
        v_rows := v_given.changes -> v_model;
        v_count := json_array_length(v_rows);
        PERFORM put_rows(p_ledger, v_model, v_generation, v_rows, v_documents[v_done + 1 : v_done + v_count], v_standing.head + 1);
        v_done := v_done + v_count;
        IF v_given.entries -> v_model IS NOT NULL THEN
            PERFORM put_entries(p_ledger, v_generation, v_given.entries -> v_model);
        END IF;
    END LOOP;
    v_first := v_given.events -> 0 ->> 'stream_id';  -- what the command is about; its category and an s name its read model
    v_beside := beside(p_ledger, left(v_first, -37) || 's', (v_standing.serving ->> (left(v_first, -37) || 's'))::bigint, right(v_first, 36));
    before := v_beside.before;
    after := v_beside.after;
    first_position := v_standing.head + 1;
    recorded_at := v_standing.now;
    repeated := false;
END
$$;
CREATE FUNCTION tracking_ledger.append_group(p_ledger uuid, p_commands text[], p_documents text[]) RETURNS TABLE(first_position bigint, last_position bigint, recorded_at timestamp with time zone, repeated boolean, streams json, before text, after text, refused text, detail text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'tracking_ledger', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
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
CREATE FUNCTION tracking_ledger.begin_moving(p_ledger uuid) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'tracking_ledger', 'pg_temp'
    AS $$
BEGIN
    PERFORM require_member(p_ledger);
    PERFORM set_config('idle_in_transaction_session_timeout', '0', true);  -- it is held while others work
    RETURN pg_try_advisory_xact_lock(hashtextextended('moving ' || p_ledger, 0));
END
$$;
CREATE FUNCTION tracking_ledger.begin_rebuilding(p_ledger uuid) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'tracking_ledger', 'pg_temp'
    AS $$
BEGIN
    PERFORM require_member(p_ledger);
    PERFORM set_config('idle_in_transaction_session_timeout', '0', true);  -- it is held while others work
    RETURN pg_try_advisory_xact_lock(hashtextextended('rebuilding ' || p_ledger, 0));
END
$$;
CREATE FUNCTION tracking_ledger.beside(p_ledger uuid, p_projection text, p_generation bigint, p_id text, OUT before text, OUT after text) RETURNS record
    LANGUAGE plpgsql
    AS $$
BEGIN
    CASE p_projection
    WHEN 'work_items' THEN
        SELECT (SELECT t.id FROM work_items t WHERE t.ledger_id = p_ledger AND t.generation = p_generation AND t.id < p_id ORDER BY t.id DESC LIMIT 1),
               (SELECT t.id FROM work_items t WHERE t.ledger_id = p_ledger AND t.generation = p_generation AND t.id > p_id ORDER BY t.id LIMIT 1)
        INTO before, after;
    WHEN 'vendors' THEN
        SELECT (SELECT t.id FROM vendors t WHERE t.ledger_id = p_ledger AND t.generation = p_generation AND t.id < p_id ORDER BY t.id DESC LIMIT 1),
               (SELECT t.id FROM vendors t WHERE t.ledger_id = p_ledger AND t.generation = p_generation AND t.id > p_id ORDER BY t.id LIMIT 1)
        INTO before, after;
    WHEN 'deployments' THEN
        SELECT (SELECT t.id FROM deployments t WHERE t.ledger_id = p_ledger AND t.generation = p_generation AND t.id < p_id ORDER BY t.id DESC LIMIT 1),
               (SELECT t.id FROM deployments t WHERE t.ledger_id = p_ledger AND t.generation = p_generation AND t.id > p_id ORDER BY t.id LIMIT 1)
        INTO before, after;
    WHEN 'enhancements' THEN
        SELECT (SELECT t.id FROM enhancements t WHERE t.ledger_id = p_ledger AND t.generation = p_generation AND t.id < p_id ORDER BY t.id DESC LIMIT 1),
               (SELECT t.id FROM enhancements t WHERE t.ledger_id = p_ledger AND t.generation = p_generation AND t.id > p_id ORDER BY t.id LIMIT 1)
        INTO before, after;
    WHEN 'conflicts' THEN
        SELECT (SELECT t.id FROM conflicts t WHERE t.ledger_id = p_ledger AND t.generation = p_generation AND t.id < p_id ORDER BY t.id DESC LIMIT 1),
               (SELECT t.id FROM conflicts t WHERE t.ledger_id = p_ledger AND t.generation = p_generation AND t.id > p_id ORDER BY t.id LIMIT 1)
        INTO before, after;
    ELSE
        NULL;  -- there is one configuration: nothing is beside it
    END CASE;
END
$$;
CREATE FUNCTION tracking_ledger.chain_on(p_previous bytea, p_first bytea, p_header text[], p_data json) RETURNS bytea
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    AS $$
DECLARE
    v_header text := '';
    v_field  text;
BEGIN
    FOREACH v_field IN ARRAY p_header LOOP
        v_header := v_header || octet_length(v_field) || ':' || v_field || ',';
    END LOOP;
    RETURN sha256(coalesce(p_previous, p_first) || convert_to(v_header, 'UTF8') || sha256(convert_to(p_data::text, 'UTF8')));
END
$$;
CREATE FUNCTION tracking_ledger.check_conditions(p_ledger uuid, p_conditions text, p_as_of bigint, p_not_before text, p_not_after text, p_now timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_found record;
BEGIN
    IF p_conditions <> '' THEN
        SELECT e.position, e.type, e.topics INTO v_found FROM events e
        WHERE e.ledger_id = p_ledger AND e.position > p_as_of AND e.topics && string_to_array(p_conditions, ',')
        ORDER BY e.position LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'event % touched what was decided on', v_found.position
                USING ERRCODE = 'TL002', DETAIL = row_to_json(v_found);
        END IF;
    END IF;
    IF p_now < p_not_before::timestamptz OR p_now > p_not_after::timestamptz THEN
        RAISE EXCEPTION 'the ledger''s time % is out of bounds', p_now USING ERRCODE = 'TL008',
            DETAIL = json_build_object('now', p_now, 'not_before', p_not_before, 'not_after', p_not_after);
    END IF;
END
$$;
CREATE FUNCTION tracking_ledger.close_ledger(p_ledger uuid, p_reason text, p_successor text) RETURNS TABLE(head bigint, digest bytea)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'tracking_ledger', 'pg_temp'
    AS $$
DECLARE
    v_ledger ledgers;
BEGIN
    PERFORM require_member(p_ledger);
    PERFORM lock_ledger(p_ledger);
    SELECT * INTO v_ledger FROM ledgers l WHERE l.ledger_id = p_ledger;
    IF v_ledger.state = 'closed' AND NOT (
        p_reason = v_ledger.reason AND p_reason <> 'moving'
        OR v_ledger.reason = 'moving' AND p_reason IN ('moving', 'moved') AND v_ledger.successor IS NOT DISTINCT FROM p_successor
        OR v_ledger.reason = 'moved' AND p_reason = 'arriving') THEN
        RAISE EXCEPTION 'ledger % is closed', p_ledger USING ERRCODE = 'TL004',
            DETAIL = json_build_object('reason', v_ledger.reason, 'successor', v_ledger.successor);
    END IF;
    UPDATE ledgers l SET state = 'closed', reason = p_reason, successor = p_successor WHERE l.ledger_id = p_ledger;
    RETURN QUERY
    SELECT coalesce(last.position, 0), coalesce(last.digest, sha256(uuid_send(v_ledger.origin)))
    FROM (SELECT 1) one
    LEFT JOIN (SELECT e.position, e.digest FROM events e
               WHERE e.ledger_id = p_ledger ORDER BY e.position DESC LIMIT 1) last ON true;
END
$$;
CREATE FUNCTION tracking_ledger.columns_of_conflicts(p_doc jsonb) RETURNS TABLE(status text, created_at text)
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT p_doc ->> 'status', p_doc ->> 'created_at'
$$;
CREATE FUNCTION tracking_ledger.columns_of_deployments(p_doc jsonb) RETURNS TABLE(deployed_at text, environment text, withdrawn integer)
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT coalesce(p_doc ->> 'deployed_at', ''), p_doc ->> 'environment', coalesce((p_doc ->> 'withdrawn')::boolean, false)::int
$$;
CREATE FUNCTION tracking_ledger.columns_of_enhancements(p_doc jsonb) RETURNS TABLE(status text, priority integer, target_quarter text, rank text, withdrawn integer)
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT p_doc ->> 'status', (p_doc ->> 'priority')::int, p_doc ->> 'target_quarter',
           coalesce(p_doc ->> 'priority', '9') || ' ' || (p_doc ->> 'created_at'),
           coalesce((p_doc ->> 'withdrawn')::boolean, false)::int
$$;
CREATE FUNCTION tracking_ledger.columns_of_vendors(p_doc jsonb) RETURNS TABLE(name_key text, status text, withdrawn integer)
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT p_doc ->> 'name_key', p_doc ->> 'status', coalesce((p_doc ->> 'withdrawn')::boolean, false)::int
$$;
CREATE FUNCTION tracking_ledger.columns_of_work_items(p_doc jsonb) RETURNS TABLE(item_type text, status text, title text, parent_id text, priority integer, rank text, hidden integer, claimed_by text, claimed_until text, created_at text, updated_at text)
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT p_doc ->> 'item_type', p_doc ->> 'status', p_doc ->> 'title', p_doc ->> 'parent_id', (p_doc ->> 'priority')::int,
           coalesce(p_doc ->> 'priority', '9') || ' ' || (p_doc ->> 'created_at'),
           (p_doc ->> 'deleted')::boolean::int + 2 * (p_doc ->> 'archived')::boolean::int + 4 * (p_doc ->> 'withdrawn')::boolean::int,
           p_doc -> 'claim' ->> 'by', p_doc -> 'claim' ->> 'until', p_doc ->> 'created_at', p_doc ->> 'updated_at'
$$;
CREATE FUNCTION tracking_ledger.create_ledger(p_ledger uuid, p_name text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'tracking_ledger', 'pg_temp'
    AS $$
DECLARE
    v_ledger ledgers;
BEGIN
    INSERT INTO ledgers (ledger_id, origin, name) VALUES (p_ledger, p_ledger, p_name) ON CONFLICT DO NOTHING;
    IF FOUND THEN
        INSERT INTO ledger_members (ledger_id, member) VALUES (p_ledger, session_user);
        RETURN true;
    END IF;
    PERFORM require_member(p_ledger);
    SELECT * INTO v_ledger FROM ledgers l WHERE l.ledger_id = p_ledger AND l.reason IN ('moved', 'arriving');
    IF FOUND THEN
        RAISE EXCEPTION 'ledger % is not here', p_ledger USING ERRCODE = 'TL004',
            DETAIL = json_build_object('reason', v_ledger.reason, 'successor', v_ledger.successor);
    END IF;
    RETURN false;
END
$$;
CREATE FUNCTION tracking_ledger.differing_columns(p_ledger uuid, p_projection text, p_generation bigint) RETURNS TABLE(id text, field text, stored text, told text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'tracking_ledger', 'pg_temp'
    AS $_$
BEGIN
    PERFORM require_member(p_ledger);
    IF to_regproc(format('tracking_ledger.%I', 'columns_of_' || p_projection)) IS NULL THEN
        RETURN;  -- it has none
    END IF;
    RETURN QUERY EXECUTE format(
        $query$SELECT t.id, told.key, to_jsonb(t) ->> told.key, told.value #>> '{}'
               FROM %I t, %I(t.doc) c, jsonb_each(to_jsonb(c)) told
               WHERE t.ledger_id = $1 AND t.generation = $2 AND to_jsonb(t) -> told.key IS DISTINCT FROM told.value
               ORDER BY t.id, told.key$query$, p_projection, 'columns_of_' || p_projection)
    USING p_ledger, p_generation;
END
$_$;
CREATE FUNCTION tracking_ledger.differing_terms(p_ledger uuid, p_generation bigint, p_ids text[], p_terms text[]) RETURNS TABLE(id text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'tracking_ledger', 'pg_temp'
    AS $$
BEGIN
    PERFORM require_member(p_ledger);
    RETURN QUERY
    SELECT asked.id FROM unnest(p_ids, p_terms) AS asked (id, terms)
    LEFT JOIN work_item_terms stored
        ON stored.ledger_id = p_ledger AND stored.generation = p_generation AND stored.id = asked.id COLLATE "C"
    WHERE asked.id IS NOT NULL AND stored.terms IS DISTINCT FROM coalesce(asked.terms, '')::tsvector;
END
$$;
CREATE FUNCTION tracking_ledger.enter_ledger(p_ledger uuid) RETURNS TABLE(head bigint, head_at timestamp with time zone, now timestamp with time zone, generations json)
    LANGUAGE plpgsql SECURITY DEFINER
    AS $$
DECLARE
    v_successor text;
BEGIN
    PERFORM pg_catalog.set_config('search_path', 'tracking_ledger, pg_temp', true);  -- first: no operator of the caller's own
    PERFORM tracking_ledger.require_member(p_ledger);
    SELECT l.successor INTO v_successor FROM tracking_ledger.ledgers l WHERE l.ledger_id = p_ledger AND l.reason = 'moved';
    IF FOUND THEN  -- what is here grows old unnoticed
        RAISE EXCEPTION 'ledger % has moved', p_ledger USING ERRCODE = 'TL004',
            DETAIL = json_build_object('reason', 'moved', 'successor', v_successor);
    END IF;
    PERFORM set_config('enable_seqscan', 'off', true);  -- a young table has no statistics yet, and every question an index
    RETURN QUERY
    SELECT coalesce(last.position, 0), last.recorded_at, greatest(clock_timestamp(), last.recorded_at),
           (SELECT json_object_agg(p.projection || ':' || p.shape, p.generation)
            FROM tracking_ledger.projections p WHERE p.ledger_id = p_ledger AND p.behind_after IS NULL)
    FROM (SELECT 1) one
    LEFT JOIN (SELECT e.position, e.recorded_at FROM tracking_ledger.events e
               WHERE e.ledger_id = p_ledger ORDER BY e.position DESC LIMIT 1) last ON true;
END
$$;
CREATE TABLE tracking_ledger.events (
    ledger_id uuid NOT NULL,
    "position" bigint NOT NULL,
    stream_id text NOT NULL COLLATE pg_catalog."C",
    version integer NOT NULL,
    command_id uuid NOT NULL,
    n integer NOT NULL,
    command text NOT NULL,
    command_digest bytea NOT NULL,
    type text NOT NULL COLLATE pg_catalog."C",
    schema integer NOT NULL,
    topics text[] NOT NULL,
    data json NOT NULL,
    by text NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    digest bytea NOT NULL
)
WITH (autovacuum_analyze_threshold='100', autovacuum_analyze_scale_factor='0.05', autovacuum_vacuum_insert_scale_factor='0.05');
ALTER TABLE ONLY tracking_ledger.events FORCE ROW LEVEL SECURITY;
CREATE FUNCTION tracking_ledger.event_digest(p_previous bytea, p_event tracking_ledger.events) RETURNS bytea
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    SELECT tracking_ledger.chain_on(NULL, p_previous, tracking_ledger.header(
        p_event.position, p_event.stream_id, p_event.version, p_event.command_id, p_event.n, p_event.command,
        encode(p_event.command_digest, 'hex'), p_event.type, p_event.schema, array_to_string(p_event.topics, ','),
        p_event.by, p_event.occurred_at, p_event.recorded_at), p_event.data)
$$;
CREATE FUNCTION tracking_ledger.expect_events(p_ledger uuid, p_origin uuid) RETURNS TABLE(head bigint, digest bytea)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'tracking_ledger', 'pg_temp'
    AS $$
DECLARE
    v_event events;
BEGIN
    PERFORM set_config('ledger.id', p_ledger::text, true);
    PERFORM lock_ledger(p_ledger);
    PERFORM settle_origin(p_ledger, p_origin);
    SELECT * INTO v_event FROM events e WHERE e.ledger_id = p_ledger ORDER BY e.position DESC LIMIT 1;
    UPDATE projections p SET behind_after = coalesce(v_event.position, 0) WHERE p.ledger_id = p_ledger AND p.behind_after IS NULL;
    RETURN QUERY SELECT coalesce(v_event.position, 0), coalesce(v_event.digest, sha256(uuid_send(p_origin)));
END
$$;
CREATE FUNCTION tracking_ledger.fill_generation(p_ledger uuid, p_projection text, p_generation bigint, p_rows json, p_entries json, p_documents text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'tracking_ledger', 'pg_temp'
    AS $$
DECLARE
    v_found record;
BEGIN
    PERFORM require_member(p_ledger);
    SELECT p.projection, p.behind_after INTO v_found
    FROM projections p WHERE p.ledger_id = p_ledger AND p.generation = p_generation;
    IF FOUND THEN
        PERFORM lock_ledger(p_ledger);
        IF NOT EXISTS (SELECT FROM projections p WHERE p.ledger_id = p_ledger AND p.generation = p_generation
                       AND p.projection = p_projection AND p.behind_after IS NOT NULL) THEN
            RAISE EXCEPTION 'generation % serves and is written by appends only', p_generation USING ERRCODE = 'TL007',
                DETAIL = json_build_object('projection', p_projection, 'generation', p_generation);
        END IF;
    END IF;
    PERFORM put_rows(p_ledger, p_projection, p_generation, p_rows, string_to_array(p_documents, E'\n')::jsonb[], 0);
    PERFORM put_entries(p_ledger, p_generation, p_entries);
END
$$;
CREATE FUNCTION tracking_ledger.find_command(p_ledger uuid, p_command_id uuid) RETURNS TABLE(first_position bigint, last_position bigint, recorded_at timestamp with time zone, command_digest bytea, streams json)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'tracking_ledger', 'pg_temp'
    AS $$
BEGIN
    PERFORM require_member(p_ledger);
    RETURN QUERY
    SELECT min(e.position), max(e.position), min(e.recorded_at), decode(min(encode(e.command_digest, 'hex')), 'hex'), recorded_streams(p_ledger, p_command_id)
    FROM events e WHERE e.ledger_id = p_ledger AND e.command_id = p_command_id
    HAVING count(*) > 0;
END
$$;
CREATE FUNCTION tracking_ledger.head_of(p_ledger uuid) RETURNS TABLE(head bigint, digest bytea, state text, reason text, successor text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'tracking_ledger', 'pg_temp'
    AS $$
BEGIN
    PERFORM require_member(p_ledger);
    RETURN QUERY
    SELECT coalesce(last.position, 0), coalesce(last.digest, sha256(uuid_send(l.origin))), l.state, l.reason, l.successor
    FROM ledgers l
    LEFT JOIN (SELECT e.position, e.digest FROM events e
               WHERE e.ledger_id = p_ledger ORDER BY e.position DESC LIMIT 1) last ON true
    WHERE l.ledger_id = p_ledger;
END
$$;
CREATE FUNCTION tracking_ledger.header(p_position bigint, p_stream_id text, p_version integer, p_command_id uuid, p_n integer, p_command text, p_command_digest text, p_type text, p_schema integer, p_topics text, p_by text, p_occurred_at timestamp with time zone, p_recorded_at timestamp with time zone) RETURNS text[]
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    SELECT ARRAY[p_position::text, p_stream_id, p_version::text, p_command_id::text, p_n::text, p_command, p_command_digest, p_type,
                 p_schema::text, p_topics, p_by, (extract(epoch FROM p_occurred_at) * 1000000)::bigint::text,
                 (extract(epoch FROM p_recorded_at) * 1000000)::bigint::text]
$$;
CREATE FUNCTION tracking_ledger.is_member(p_ledger uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'tracking_ledger', 'pg_temp'
    AS $$
BEGIN
    RETURN EXISTS (SELECT FROM ledger_members m WHERE m.ledger_id = p_ledger AND m.member = session_user)
        OR EXISTS (SELECT FROM ledger_members m JOIN pg_catalog.pg_roles r ON r.rolname = m.member
                   WHERE m.ledger_id = p_ledger AND pg_catalog.pg_has_role(session_user, r.oid, 'MEMBER'));
END
$$;
CREATE FUNCTION tracking_ledger.known_at(p_ledger uuid, p_positions bigint[]) RETURNS TABLE("position" bigint, command_id uuid, digest bytea)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'tracking_ledger', 'pg_temp'
    AS $$
BEGIN
    PERFORM require_member(p_ledger);
    RETURN QUERY
    SELECT e.position, e.command_id, e.digest FROM events e
    WHERE e.ledger_id = p_ledger
      AND (e.position = ANY (p_positions) OR e.position = (SELECT max(l.position) FROM events l WHERE l.ledger_id = p_ledger))
    ORDER BY e.position;
END
$$;
CREATE FUNCTION tracking_ledger.ledger_overview() RETURNS TABLE(ledger_id uuid, name text, state text, reason text, successor text, created_at timestamp with time zone, head bigint, head_at timestamp with time zone, members text[])
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'tracking_ledger', 'pg_temp'
    AS $$
DECLARE
    v_ledger ledgers;
BEGIN
    FOR v_ledger IN SELECT * FROM ledgers l WHERE is_member(l.ledger_id) ORDER BY l.created_at, l.ledger_id LOOP
        PERFORM set_config('ledger.id', v_ledger.ledger_id::text, true);  -- each is seen alone, by row security too
        RETURN QUERY
        SELECT v_ledger.ledger_id, v_ledger.name, v_ledger.state, v_ledger.reason, v_ledger.successor,
               v_ledger.created_at, coalesce(last.position, 0), last.recorded_at,
               (SELECT array_agg(m.member::text ORDER BY m.member) FROM ledger_members m WHERE m.ledger_id = v_ledger.ledger_id)
        FROM (SELECT 1) one
        LEFT JOIN (SELECT e.position, e.recorded_at FROM events e
                   WHERE e.ledger_id = v_ledger.ledger_id ORDER BY e.position DESC LIMIT 1) last ON true;
    END LOOP;
END
$$;
CREATE FUNCTION tracking_ledger.list_ledgers() RETURNS TABLE(ledger_id uuid, name text, state text, created_at timestamp with time zone)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'tracking_ledger', 'pg_temp'
    AS $$
    SELECT l.ledger_id, l.name, l.state, l.created_at FROM ledgers l WHERE is_member(l.ledger_id) ORDER BY l.created_at, l.ledger_id
$$;
CREATE FUNCTION tracking_ledger.lock_for_writing(p_ledger uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'tracking_ledger', 'pg_temp'
    AS $$
BEGIN
    PERFORM require_member(p_ledger);
    PERFORM lock_ledger(p_ledger);
END
$$;
CREATE FUNCTION tracking_ledger.lock_ledger(p_ledger uuid) RETURNS void
    LANGUAGE sql
    AS $$
    SELECT pg_advisory_xact_lock(hashtextextended(p_ledger::text, 0))
$$;
CREATE FUNCTION tracking_ledger.matching(p_ledger uuid, p_generation bigint, p_terms text[]) RETURNS TABLE(id text, score bigint)
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100
    SET search_path TO 'tracking_ledger', 'pg_temp'
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
DECLARE
    v_words text[];  -- each as a tsquery that lacks the class it is looked for in
    v_all   tsquery;
BEGIN
    PERFORM require_member(p_ledger);
    SELECT array_agg('''' || replace(replace(rtrim(t, '*'), '\', '\\'), '''', '''''') || ''':' || CASE WHEN t LIKE '%*' THEN '*' ELSE '' END)
    INTO v_words FROM unnest(p_terms) t;
    SELECT string_agg(w || 'ABD', ' & ')::tsquery INTO v_all FROM unnest(v_words) w;
    RETURN QUERY
    WITH found AS MATERIALIZED (  -- whatever the statistics say, the words are what there is least of
        SELECT t.* FROM work_item_terms t WHERE t.terms @@ v_all
    )
    SELECT t.id, (SELECT sum(4 * (t.terms @@ (w || 'A')::tsquery)::int + 3 * (t.terms @@ (w || 'B')::tsquery)::int
                             + (t.terms @@ (w || 'D')::tsquery)::int)
                  FROM unnest(v_words) w)
    FROM found t WHERE t.ledger_id = p_ledger AND t.generation = p_generation;
END
$$;
CREATE FUNCTION tracking_ledger.new_generation(p_ledger uuid) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'tracking_ledger', 'pg_temp'
    AS $$
BEGIN
    PERFORM require_member(p_ledger);
    RETURN nextval('generations');
END
$$;
CREATE FUNCTION tracking_ledger.page_of(p_ledger uuid, p_after bigint, p_up_to bigint, p_most integer, OUT head bigint, OUT ends bigint) RETURNS record
    LANGUAGE plpgsql STABLE
    AS $$
BEGIN
    head := coalesce((SELECT e.position FROM events e WHERE e.ledger_id = p_ledger ORDER BY e.position DESC LIMIT 1), 0);
    ends := least(p_up_to, head, p_after + p_most);
    IF (SELECT sum(octet_length(e.data::text)) FROM events e
        WHERE e.ledger_id = p_ledger AND e.position > p_after AND e.position <= ends) > 4000000 THEN
        SELECT coalesce(max(w.position) FILTER (WHERE w.bytes <= 4000000), p_after + 1) INTO ends
        FROM (SELECT e.position, sum(octet_length(e.data::text)) OVER (ORDER BY e.position) AS bytes FROM events e
              WHERE e.ledger_id = p_ledger AND e.position > p_after AND e.position <= page_of.ends) w;
    END IF;
END
$$;
CREATE FUNCTION tracking_ledger.position_at(p_ledger uuid, p_moment timestamp with time zone) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'tracking_ledger', 'pg_temp'
    AS $$
DECLARE
    v_low  bigint := 0;
    v_high bigint;
    v_mid  bigint;
BEGIN
    PERFORM require_member(p_ledger);
    SELECT coalesce(max(position), 0) INTO v_high FROM events WHERE ledger_id = p_ledger;
    WHILE v_low < v_high LOOP
        v_mid := (v_low + v_high + 1) / 2;
        IF (SELECT recorded_at FROM events WHERE ledger_id = p_ledger AND position = v_mid) <= p_moment THEN
            v_low := v_mid;
        ELSE
            v_high := v_mid - 1;
        END IF;
    END LOOP;
    RETURN v_low;
END
$$;
CREATE FUNCTION tracking_ledger.prove_events(p_ledger uuid, p_after bigint, p_up_to bigint) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'tracking_ledger', 'pg_temp'
    SET enable_seqscan TO 'off'
    AS $$
DECLARE
    v_before bytea;
    v_wrong  bigint;
    v_count  bigint;
BEGIN
    PERFORM require_member(p_ledger);
    SELECT coalesce((SELECT e.digest FROM events e WHERE e.ledger_id = p_ledger AND e.position = p_after), sha256(uuid_send(l.origin)))
    INTO v_before FROM ledgers l WHERE l.ledger_id = p_ledger;
    SELECT min(proved.position) FILTER (WHERE proved.digest <> proved.follows), count(*) INTO v_wrong, v_count
    FROM (SELECT e.position, e.digest,
                 event_digest(coalesce(lag(e.digest) OVER (ORDER BY e.position), v_before), e) AS follows
          FROM events e WHERE e.ledger_id = p_ledger AND e.position > p_after AND e.position <= p_up_to) proved;
    RETURN coalesce(v_wrong, CASE WHEN v_count < p_up_to - p_after THEN p_after + v_count + 1 END);
END
$$;
CREATE FUNCTION tracking_ledger.put_entries(p_ledger uuid, p_generation bigint, p_entries json) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_dropped json := p_entries -> 'dropped';
    v_added   json := p_entries -> 'added';
    v_taken   record;
BEGIN
    IF v_dropped IS NOT NULL THEN
        DELETE FROM entries e USING json_array_elements(v_dropped) d
        WHERE e.ledger_id = p_ledger AND e.generation = p_generation
          AND e.relation = d ->> 1 AND e.target = d ->> 2 AND e.id = d ->> 0;
    END IF;
    IF v_added IS NOT NULL THEN
        INSERT INTO entries (ledger_id, generation, relation, target, id)
        SELECT p_ledger, p_generation, a ->> 1, a ->> 2, a ->> 0 FROM json_array_elements(v_added) a
        ON CONFLICT (ledger_id, generation, relation, target, id) DO NOTHING;
    END IF;
EXCEPTION WHEN unique_violation THEN
    SELECT a ->> 1 AS relation, a ->> 2 AS target, holder.id INTO v_taken
    FROM json_array_elements(v_added) a, LATERAL (
        SELECT e.id FROM entries e
        WHERE e.ledger_id = p_ledger AND e.generation = p_generation AND e.relation = a ->> 1 AND e.target = a ->> 2
        UNION ALL  -- or another row of this very command
        SELECT other ->> 0 FROM json_array_elements(v_added) other
        WHERE other ->> 1 = a ->> 1 AND other ->> 2 = a ->> 2) holder
    WHERE a ->> 1 IN ('vendor_name', 'external_id', 'deployment_key') AND holder.id <> a ->> 0 LIMIT 1;
    RAISE EXCEPTION '% % is taken', v_taken.relation, v_taken.target USING ERRCODE = 'TL006', DETAIL = row_to_json(v_taken);
END
$$;
CREATE FUNCTION tracking_ledger.put_rows(p_ledger uuid, p_projection text, p_generation bigint, p_rows json, p_documents jsonb[], p_first bigint) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    CASE p_projection
    WHEN 'work_items' THEN
        WITH given AS (
            SELECT r.id, r.version, r.n, r.terms, r.doc
            FROM ROWS FROM (json_to_recordset(p_rows) AS (id text, version int, n bigint, terms text), unnest(p_documents))
                 AS r (id, version, n, terms, doc)
        ), found_by AS (
            INSERT INTO work_item_terms (ledger_id, generation, id, terms)
            SELECT p_ledger, p_generation, g.id, g.terms::tsvector FROM given g WHERE g.terms IS NOT NULL
            ON CONFLICT (ledger_id, generation, id) DO UPDATE SET terms = excluded.terms
        )
        INSERT INTO work_items (ledger_id, generation, id, version, position, doc, item_type, status, title, parent_id,
            priority, rank, hidden, claimed_by, claimed_until, created_at, updated_at)
        SELECT p_ledger, p_generation, r.id, r.version, p_first + r.n, r.doc, c.item_type, c.status, c.title, c.parent_id,
               c.priority, c.rank, c.hidden, c.claimed_by, c.claimed_until, c.created_at, c.updated_at
        FROM given r, columns_of_work_items(r.doc) c
        ON CONFLICT (ledger_id, generation, id) DO UPDATE SET
            (version, position, doc, item_type, status, title, parent_id, priority, rank, hidden, claimed_by, claimed_until,
            created_at, updated_at) =
            (excluded.version, excluded.position, excluded.doc, excluded.item_type, excluded.status, excluded.title,
            excluded.parent_id, excluded.priority, excluded.rank, excluded.hidden, excluded.claimed_by,
            excluded.claimed_until, excluded.created_at, excluded.updated_at);
    WHEN 'vendors' THEN
        INSERT INTO vendors (ledger_id, generation, id, version, position, doc, name_key, status, withdrawn)
        SELECT p_ledger, p_generation, r.id, r.version, p_first + r.n, r.doc, c.name_key, c.status, c.withdrawn
        FROM ROWS FROM (json_to_recordset(p_rows) AS (id text, version int, n bigint), unnest(p_documents)) AS r (id, version, n, doc),
             columns_of_vendors(r.doc) c
        ON CONFLICT (ledger_id, generation, id) DO UPDATE SET
            (version, position, doc, name_key, status, withdrawn) =
            (excluded.version, excluded.position, excluded.doc, excluded.name_key, excluded.status, excluded.withdrawn);
    WHEN 'deployments' THEN
        INSERT INTO deployments (ledger_id, generation, id, version, position, doc, deployed_at, environment, withdrawn)
        SELECT p_ledger, p_generation, r.id, r.version, p_first + r.n, r.doc, c.deployed_at, c.environment, c.withdrawn
        FROM ROWS FROM (json_to_recordset(p_rows) AS (id text, version int, n bigint), unnest(p_documents)) AS r (id, version, n, doc),
             columns_of_deployments(r.doc) c
        ON CONFLICT (ledger_id, generation, id) DO UPDATE SET
            (version, position, doc, deployed_at, environment, withdrawn) =
            (excluded.version, excluded.position, excluded.doc, excluded.deployed_at, excluded.environment,
            excluded.withdrawn);
    WHEN 'enhancements' THEN
        INSERT INTO enhancements (ledger_id, generation, id, version, position, doc, status, priority, target_quarter, rank,
            withdrawn)
        SELECT p_ledger, p_generation, r.id, r.version, p_first + r.n, r.doc, c.status, c.priority, c.target_quarter, c.rank,
               c.withdrawn
        FROM ROWS FROM (json_to_recordset(p_rows) AS (id text, version int, n bigint), unnest(p_documents)) AS r (id, version, n, doc),
             columns_of_enhancements(r.doc) c
        ON CONFLICT (ledger_id, generation, id) DO UPDATE SET
            (version, position, doc, status, priority, target_quarter, rank, withdrawn) =
            (excluded.version, excluded.position, excluded.doc, excluded.status, excluded.priority, excluded.target_quarter,
            excluded.rank, excluded.withdrawn);
    WHEN 'configurations' THEN
        INSERT INTO configurations (ledger_id, generation, id, version, position, doc)
        SELECT p_ledger, p_generation, r.id, r.version, p_first + r.n, r.doc
        FROM ROWS FROM (json_to_recordset(p_rows) AS (id text, version int, n bigint), unnest(p_documents)) AS r (id, version, n, doc)
        ON CONFLICT (ledger_id, generation, id) DO UPDATE SET
            (version, position, doc) =
            (excluded.version, excluded.position, excluded.doc);
    WHEN 'conflicts' THEN
        INSERT INTO conflicts (ledger_id, generation, id, version, position, doc, status, created_at)
        SELECT p_ledger, p_generation, r.id, r.version, p_first + r.n, r.doc, c.status, c.created_at
        FROM ROWS FROM (json_to_recordset(p_rows) AS (id text, version int, n bigint), unnest(p_documents)) AS r (id, version, n, doc),
             columns_of_conflicts(r.doc) c
        ON CONFLICT (ledger_id, generation, id) DO UPDATE SET
            (version, position, doc, status, created_at) =
            (excluded.version, excluded.position, excluded.doc, excluded.status, excluded.created_at);
    END CASE;
END
$$;
CREATE FUNCTION tracking_ledger.read_events(p_ledger uuid, p_after bigint, p_up_to bigint, p_most integer) RETURNS TABLE(head bigint, ends bigint, page text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'tracking_ledger', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_bitmapscan TO 'off'
    SET "TimeZone" TO 'UTC'
    AS $$
BEGIN
    PERFORM require_member(p_ledger);
    SELECT p.head, p.ends INTO head, ends FROM page_of(p_ledger, p_after, p_up_to, p_most) p;
    SELECT concat('[', json_agg(e.position), ',', json_agg(e.stream_id), ',', json_agg(e.version), ',', json_agg(e.command_id), ',',
                  json_agg(e.n), ',', json_agg(e.command), ',', json_agg(encode(e.command_digest, 'hex')), ',',
                  json_agg(e.type), ',', json_agg(e.schema), ',', json_agg(e.topics), ',', json_agg(e.data), ',',
                  json_agg(e.by), ',', json_agg(e.occurred_at), ',', json_agg(e.recorded_at), ',',
                  json_agg(encode(e.digest, 'hex')), ']')
    INTO page FROM (SELECT * FROM events l
                    WHERE l.ledger_id = p_ledger AND l.position > p_after AND l.position <= ends ORDER BY l.position) e
    HAVING count(*) > 0;
    RETURN NEXT;
END
$$;
CREATE FUNCTION tracking_ledger.read_facts(p_ledger uuid, p_after bigint, p_up_to bigint, p_most integer) RETURNS TABLE(head bigint, ends bigint, page text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'tracking_ledger', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_bitmapscan TO 'off'
    SET "TimeZone" TO 'UTC'
    AS $$
BEGIN
    PERFORM require_member(p_ledger);
    SELECT p.head, p.ends INTO head, ends FROM page_of(p_ledger, p_after, p_up_to, p_most) p;
    SELECT concat('[', json_agg(e.position), ',', json_agg(e.stream_id), ',', json_agg(e.version), ',', json_agg(e.type), ',',
                  json_agg(e.schema), ',', json_agg(e.data), ',', json_agg(e.by), ',', json_agg(e.occurred_at), ']')
    INTO page FROM (SELECT * FROM events l
                    WHERE l.ledger_id = p_ledger AND l.position > p_after AND l.position <= ends ORDER BY l.position) e
    HAVING count(*) > 0;
    RETURN NEXT;
END
$$;
CREATE FUNCTION tracking_ledger.read_streams(p_ledger uuid, p_streams text[]) RETURNS TABLE(head bigint, now timestamp with time zone, "position" bigint, stream_id text, version integer, command_id uuid, n integer, command text, command_digest bytea, type text, schema integer, topics text[], data json, by text, occurred_at timestamp with time zone, recorded_at timestamp with time zone, digest bytea)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'tracking_ledger', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
BEGIN
    PERFORM require_member(p_ledger);
    RETURN QUERY
    SELECT coalesce(last.position, 0), greatest(clock_timestamp(), last.recorded_at), e.position, e.stream_id,
           e.version, e.command_id, e.n, e.command, e.command_digest, e.type, e.schema, e.topics, e.data, e.by,
           e.occurred_at, e.recorded_at, e.digest
    FROM (SELECT 1) one
    LEFT JOIN (SELECT l.position, l.recorded_at FROM events l
               WHERE l.ledger_id = p_ledger ORDER BY l.position DESC LIMIT 1) last ON true
    LEFT JOIN events e ON e.ledger_id = p_ledger AND e.stream_id = ANY (p_streams)
    ORDER BY e.stream_id, e.version;
END
$$;
CREATE FUNCTION tracking_ledger.recorded_streams(p_ledger uuid, p_command_id uuid) RETURNS json
    LANGUAGE sql STABLE
    AS $$
    SELECT json_object_agg(touched.stream_id, touched.version)
    FROM (SELECT stream_id, max(version) AS version FROM events
          WHERE ledger_id = p_ledger AND command_id = p_command_id GROUP BY stream_id) touched
$$;
CREATE FUNCTION tracking_ledger.refresh_statistics() RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'tracking_ledger', 'pg_temp'
    AS $$
DECLARE
    v_table regclass;
BEGIN
    FOR v_table IN
        SELECT c.oid::regclass FROM pg_class c
        WHERE c.oid = ANY (ARRAY['events', 'work_items', 'work_item_terms', 'vendors', 'deployments', 'enhancements',
                                 'conflicts', 'entries', 'projections']::regclass[])
          AND pg_relation_size(c.oid) > 2 * c.relpages::bigint * current_setting('block_size')::int
    LOOP
        EXECUTE format('ANALYZE %s', v_table);
    END LOOP;
END
$$;
CREATE FUNCTION tracking_ledger.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'events are append-only: % is refused', TG_OP USING ERRCODE = 'TL009';
END
$$;
CREATE FUNCTION tracking_ledger.register_projections(p_ledger uuid, p_shapes json) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'tracking_ledger', 'pg_temp'
    AS $$
BEGIN
    PERFORM require_member(p_ledger);
    IF (SELECT count(*) FROM json_each_text(p_shapes) s JOIN projections p
        ON p.ledger_id = p_ledger AND p.projection = s.key AND p.shape = s.value::int)
       = (SELECT count(*) FROM json_each_text(p_shapes)) THEN
        RETURN;
    END IF;
    PERFORM lock_ledger(p_ledger);
    INSERT INTO projections (ledger_id, projection, shape, generation, behind_after)
    SELECT p_ledger, s.key, s.value::int, nextval('generations'),
           CASE WHEN EXISTS (SELECT FROM events WHERE ledger_id = p_ledger) THEN 0 END
    FROM json_each_text(p_shapes) s
    ON CONFLICT DO NOTHING;
END
$$;
CREATE FUNCTION tracking_ledger.remove_retired(p_ledger uuid, p_most integer) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'tracking_ledger', 'pg_temp'
    AS $_$
DECLARE
    v_old   retired;
    v_table text;
    v_found bigint;
BEGIN
    PERFORM require_member(p_ledger);
    SELECT * INTO v_old FROM retired r WHERE r.ledger_id = p_ledger LIMIT 1 FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    FOREACH v_table IN ARRAY ARRAY[v_old.projection, 'entries', 'work_item_terms'] LOOP
        EXECUTE format('DELETE FROM %1$I WHERE ctid = ANY (ARRAY(SELECT ctid FROM %1$I WHERE ledger_id = $1 AND generation = $2 LIMIT $3))', v_table)
        USING p_ledger, v_old.generation, p_most;
        GET DIAGNOSTICS v_found = ROW_COUNT;
        IF v_found > 0 THEN
            RETURN true;
        END IF;
    END LOOP;
    DELETE FROM retired r WHERE r.ledger_id = p_ledger AND r.generation = v_old.generation;
    RETURN true;
END
$_$;
CREATE FUNCTION tracking_ledger.rename_ledger(p_ledger uuid, p_name text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'tracking_ledger', 'pg_temp'
    AS $$
BEGIN
    PERFORM require_member(p_ledger);
    UPDATE ledgers l SET name = p_name WHERE l.ledger_id = p_ledger;
END
$$;
CREATE FUNCTION tracking_ledger.reopen_ledger(p_ledger uuid, p_reason text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'tracking_ledger', 'pg_temp'
    AS $$
DECLARE
    v_ledger ledgers;
BEGIN
    PERFORM require_member(p_ledger);
    PERFORM lock_ledger(p_ledger);
    SELECT * INTO v_ledger FROM ledgers l WHERE l.ledger_id = p_ledger;
    IF v_ledger.state = 'closed' AND v_ledger.reason IS DISTINCT FROM p_reason THEN
        RAISE EXCEPTION 'ledger % is closed', p_ledger USING ERRCODE = 'TL004',
            DETAIL = json_build_object('reason', v_ledger.reason, 'successor', v_ledger.successor);
    END IF;
    UPDATE ledgers l SET state = 'open', reason = NULL, successor = NULL WHERE l.ledger_id = p_ledger;
END
$$;
CREATE FUNCTION tracking_ledger.require_member(p_ledger uuid) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_entered text;
BEGIN
    IF NOT EXISTS (SELECT FROM tracking_ledger.ledger_members m WHERE m.ledger_id = p_ledger AND m.member = session_user)
       AND NOT tracking_ledger.is_member(p_ledger) THEN  -- by a role it has; seldom asked
        RAISE EXCEPTION 'no ledger % for this role', p_ledger USING
            ERRCODE = 'TL005', DETAIL = json_build_object('ledger', p_ledger, 'role', session_user);
    END IF;
    v_entered := set_config('ledger.id', p_ledger::text, true);
END
$$;
CREATE FUNCTION tracking_ledger.restore_events(p_ledger uuid, p_origin uuid, p_events json) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'tracking_ledger', 'pg_temp'
    AS $$
DECLARE
    v_event  events;
    v_next   events;
    v_digest bytea;
    v_head   bigint;
    v_events events[];
BEGIN
    PERFORM set_config('ledger.id', p_ledger::text, true);
    PERFORM lock_ledger(p_ledger);
    PERFORM settle_origin(p_ledger, p_origin);
    SELECT * INTO v_event FROM events e WHERE e.ledger_id = p_ledger ORDER BY e.position DESC LIMIT 1;
    v_head := coalesce(v_event.position, 0);
    v_digest := coalesce(v_event.digest, sha256(uuid_send(p_origin)));
    FOR v_next IN
        SELECT p_ledger, given.position, given.stream_id, given.version, given.command_id, given.n, given.command,
               decode(given.command_digest, 'hex'), given.type, given.schema, given.topics, given.data, given."by",
               given.occurred_at, given.recorded_at, decode(given.digest, 'hex')
        FROM json_to_recordset(p_events) AS given (
            position bigint, stream_id text, version int, command_id uuid, n int, command text, command_digest text,
            type text, schema int, topics text[], data json, "by" text, occurred_at timestamptz, recorded_at timestamptz,
            digest text)
    LOOP
        v_digest := event_digest(v_digest, v_next);
        v_head := v_head + 1;
        IF v_next.position <> v_head OR v_next.digest <> v_digest THEN
            RAISE EXCEPTION 'the event at position % does not follow', v_next.position USING ERRCODE = 'TL010',
                DETAIL = json_build_object('position', v_next.position, 'expected', v_head);
        END IF;
        v_events := v_events || v_next;
    END LOOP;
    INSERT INTO events SELECT * FROM unnest(v_events);
    UPDATE projections p SET behind_after = coalesce(v_event.position, 0) WHERE p.ledger_id = p_ledger AND p.behind_after IS NULL;
    RETURN v_head;
END
$$;
CREATE FUNCTION tracking_ledger.serve_generation(p_ledger uuid, p_projection text, p_shape integer, p_generation bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'tracking_ledger', 'pg_temp'
    AS $$
DECLARE
    v_old bigint;
BEGIN
    PERFORM lock_for_writing(p_ledger);
    SELECT generation INTO v_old FROM projections
    WHERE ledger_id = p_ledger AND projection = p_projection AND shape = p_shape;
    INSERT INTO projections (ledger_id, projection, shape, generation) VALUES (p_ledger, p_projection, p_shape, p_generation)
    ON CONFLICT (ledger_id, projection, shape) DO UPDATE SET generation = excluded.generation, behind_after = NULL;
    IF v_old <> p_generation THEN  -- not when one that was behind has caught up
        INSERT INTO retired (ledger_id, projection, generation) VALUES (p_ledger, p_projection, v_old);
    END IF;
END
$$;
CREATE FUNCTION tracking_ledger.set_member(p_ledger uuid, p_role name, p_allowed boolean) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'tracking_ledger', 'pg_temp'
    AS $$
BEGIN
    PERFORM require_member(p_ledger);
    PERFORM 1 FROM ledgers l WHERE l.ledger_id = p_ledger FOR UPDATE;  -- two at once do not shut out each other
    IF p_allowed THEN
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = p_role) THEN
            RETURN 'no_role';
        END IF;
        IF NOT has_function_privilege(p_role, 'append_events'::regproc, 'EXECUTE') THEN
            RETURN 'no_right';
        END IF;
        INSERT INTO ledger_members (ledger_id, member) VALUES (p_ledger, p_role) ON CONFLICT DO NOTHING;
        RETURN 'done';
    END IF;
    DELETE FROM ledger_members m WHERE m.ledger_id = p_ledger AND m.member = p_role;
    IF NOT is_member(p_ledger) THEN
        INSERT INTO ledger_members (ledger_id, member) VALUES (p_ledger, p_role);
        RETURN 'own_access';
    END IF;
    RETURN 'done';
END
$$;
CREATE FUNCTION tracking_ledger.settle_origin(p_ledger uuid, p_origin uuid) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_origin uuid;
BEGIN
    SELECT l.origin INTO v_origin FROM ledgers l WHERE l.ledger_id = p_ledger;
    IF v_origin IS NOT DISTINCT FROM p_origin THEN
        RETURN;
    END IF;
    IF EXISTS (SELECT FROM events WHERE ledger_id = p_ledger) THEN
        RAISE EXCEPTION 'ledger % has another history', p_ledger USING ERRCODE = 'TL011',
            DETAIL = json_build_object('ledger', p_ledger, 'origin', v_origin, 'wanted', p_origin);
    END IF;
    UPDATE ledgers SET origin = p_origin WHERE ledger_id = p_ledger;
END
$$;
CREATE FUNCTION tracking_ledger.sum_of_read_model(p_ledger uuid, p_projection text, p_shape integer, p_after bigint) RETURNS TABLE(row_count bigint, digest text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'tracking_ledger', 'pg_temp'
    SET plan_cache_mode TO 'force_custom_plan'
    AS $_$
DECLARE
    v_projection text;
    v_generation bigint;
    v_ids        text[];
    v_entries    text;
    v_terms      text;
BEGIN
    PERFORM require_member(p_ledger);
    SELECT p.projection, p.generation INTO v_projection, v_generation FROM projections p
    WHERE p.ledger_id = p_ledger AND p.projection = p_projection AND p.shape = p_shape AND p.behind_after IS NULL;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF p_after > 0 THEN
        v_ids := ARRAY(SELECT DISTINCT right(e.stream_id, 36) FROM events e WHERE e.ledger_id = p_ledger AND e.position > p_after
                       AND left(e.stream_id, -37) || 's' = v_projection);
    END IF;
    SELECT md5(string_agg(md5(concat_ws(chr(31), e.relation, e.target, e.id)), '' ORDER BY e.relation, e.target, e.id))
    INTO v_entries FROM entries e
    WHERE e.ledger_id = p_ledger AND e.generation = v_generation AND (v_ids IS NULL OR e.id = ANY (v_ids));
    SELECT md5(string_agg(md5(concat_ws(chr(31), t.id, t.terms)), '' ORDER BY t.id))
    INTO v_terms FROM work_item_terms t
    WHERE t.ledger_id = p_ledger AND t.generation = v_generation AND (v_ids IS NULL OR t.id = ANY (v_ids));
    RETURN QUERY EXECUTE format(
        $query$SELECT count(*), md5(concat_ws(chr(31), $3, $4, string_agg(md5(concat_ws(chr(31), r.id, r.version, r.position, r.doc)), '' ORDER BY r.id)))
               FROM %I r WHERE r.ledger_id = $1 AND r.generation = $2 AND ($5 IS NULL OR r.id = ANY ($5))$query$, v_projection)
    USING p_ledger, v_generation, v_entries, v_terms, v_ids;
END
$_$;
CREATE AGGREGATE tracking_ledger.chain(p_first bytea, p_header text[], p_data json) (
    SFUNC = tracking_ledger.chain_on,
    STYPE = bytea
);
CREATE TABLE tracking_ledger.configurations (
    ledger_id uuid NOT NULL,
    generation bigint NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    version integer NOT NULL,
    "position" bigint NOT NULL,
    doc jsonb NOT NULL
);
ALTER TABLE ONLY tracking_ledger.configurations FORCE ROW LEVEL SECURITY;
CREATE TABLE tracking_ledger.conflicts (
    ledger_id uuid NOT NULL,
    generation bigint NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    version integer NOT NULL,
    "position" bigint NOT NULL,
    doc jsonb NOT NULL,
    status text COLLATE pg_catalog."C",
    created_at text COLLATE pg_catalog."C"
)
WITH (autovacuum_analyze_threshold='100', autovacuum_analyze_scale_factor='0.05', autovacuum_vacuum_insert_scale_factor='0.05');
ALTER TABLE ONLY tracking_ledger.conflicts FORCE ROW LEVEL SECURITY;
CREATE TABLE tracking_ledger.deployments (
    ledger_id uuid NOT NULL,
    generation bigint NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    version integer NOT NULL,
    "position" bigint NOT NULL,
    doc jsonb NOT NULL,
    deployed_at text COLLATE pg_catalog."C",
    environment text COLLATE pg_catalog."C",
    withdrawn integer
)
WITH (autovacuum_analyze_threshold='100', autovacuum_analyze_scale_factor='0.05', autovacuum_vacuum_insert_scale_factor='0.05');
ALTER TABLE ONLY tracking_ledger.deployments FORCE ROW LEVEL SECURITY;
CREATE TABLE tracking_ledger.enhancements (
    ledger_id uuid NOT NULL,
    generation bigint NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    version integer NOT NULL,
    "position" bigint NOT NULL,
    doc jsonb NOT NULL,
    status text COLLATE pg_catalog."C",
    priority integer,
    target_quarter text COLLATE pg_catalog."C",
    rank text COLLATE pg_catalog."C",
    withdrawn integer
)
WITH (autovacuum_analyze_threshold='100', autovacuum_analyze_scale_factor='0.05', autovacuum_vacuum_insert_scale_factor='0.05');
ALTER TABLE ONLY tracking_ledger.enhancements FORCE ROW LEVEL SECURITY;
CREATE TABLE tracking_ledger.entries (
    ledger_id uuid NOT NULL,
    generation bigint NOT NULL,
    relation text NOT NULL COLLATE pg_catalog."C",
    target text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C"
)
WITH (autovacuum_analyze_threshold='100', autovacuum_analyze_scale_factor='0.05', autovacuum_vacuum_insert_scale_factor='0.05');
ALTER TABLE ONLY tracking_ledger.entries FORCE ROW LEVEL SECURITY;
CREATE SEQUENCE tracking_ledger.generations
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
CREATE TABLE tracking_ledger.ledger_members (
    ledger_id uuid NOT NULL,
    member name NOT NULL
);
CREATE TABLE tracking_ledger.ledgers (
    ledger_id uuid NOT NULL,
    origin uuid NOT NULL,
    name text NOT NULL,
    state text DEFAULT 'open'::text NOT NULL,
    reason text,
    successor text,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT ledgers_state_check CHECK ((state = ANY (ARRAY['open'::text, 'closed'::text])))
);
CREATE TABLE tracking_ledger.migrations (
    name text NOT NULL,
    digest text NOT NULL,
    release integer[] NOT NULL,
    applied_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
CREATE TABLE tracking_ledger.projections (
    ledger_id uuid NOT NULL,
    projection text NOT NULL,
    shape integer NOT NULL,
    generation bigint NOT NULL,
    behind_after bigint
);
ALTER TABLE ONLY tracking_ledger.projections FORCE ROW LEVEL SECURITY;
CREATE TABLE tracking_ledger.retired (
    ledger_id uuid NOT NULL,
    projection text NOT NULL,
    generation bigint NOT NULL
);
ALTER TABLE ONLY tracking_ledger.retired FORCE ROW LEVEL SECURITY;
CREATE TABLE tracking_ledger.vendors (
    ledger_id uuid NOT NULL,
    generation bigint NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    version integer NOT NULL,
    "position" bigint NOT NULL,
    doc jsonb NOT NULL,
    name_key text COLLATE pg_catalog."C",
    status text COLLATE pg_catalog."C",
    withdrawn integer
)
WITH (autovacuum_analyze_threshold='100', autovacuum_analyze_scale_factor='0.05', autovacuum_vacuum_insert_scale_factor='0.05');
ALTER TABLE ONLY tracking_ledger.vendors FORCE ROW LEVEL SECURITY;
CREATE TABLE tracking_ledger.work_items (
    ledger_id uuid NOT NULL,
    generation bigint NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    version integer NOT NULL,
    "position" bigint NOT NULL,
    doc jsonb NOT NULL,
    item_type text COLLATE pg_catalog."C",
    status text COLLATE pg_catalog."C",
    title text COLLATE pg_catalog."C",
    parent_id text COLLATE pg_catalog."C",
    priority integer,
    rank text COLLATE pg_catalog."C",
    hidden integer,
    claimed_by text COLLATE pg_catalog."C",
    claimed_until text COLLATE pg_catalog."C",
    created_at text COLLATE pg_catalog."C",
    updated_at text COLLATE pg_catalog."C"
)
WITH (autovacuum_analyze_threshold='100', autovacuum_analyze_scale_factor='0.05', autovacuum_vacuum_insert_scale_factor='0.05');
ALTER TABLE ONLY tracking_ledger.work_items FORCE ROW LEVEL SECURITY;
CREATE VIEW tracking_ledger.things WITH (security_invoker='true') AS
 SELECT 'work_item'::text AS category,
    work_items.ledger_id,
    work_items.generation,
    work_items.id,
    work_items.version,
    work_items."position",
    work_items.doc
   FROM tracking_ledger.work_items
UNION ALL
 SELECT 'vendor'::text AS category,
    vendors.ledger_id,
    vendors.generation,
    vendors.id,
    vendors.version,
    vendors."position",
    vendors.doc
   FROM tracking_ledger.vendors
UNION ALL
 SELECT 'deployment'::text AS category,
    deployments.ledger_id,
    deployments.generation,
    deployments.id,
    deployments.version,
    deployments."position",
    deployments.doc
   FROM tracking_ledger.deployments
UNION ALL
 SELECT 'enhancement'::text AS category,
    enhancements.ledger_id,
    enhancements.generation,
    enhancements.id,
    enhancements.version,
    enhancements."position",
    enhancements.doc
   FROM tracking_ledger.enhancements
UNION ALL
 SELECT 'configuration'::text AS category,
    configurations.ledger_id,
    configurations.generation,
    configurations.id,
    configurations.version,
    configurations."position",
    configurations.doc
   FROM tracking_ledger.configurations
UNION ALL
 SELECT 'conflict'::text AS category,
    conflicts.ledger_id,
    conflicts.generation,
    conflicts.id,
    conflicts.version,
    conflicts."position",
    conflicts.doc
   FROM tracking_ledger.conflicts;
CREATE TABLE tracking_ledger.work_item_terms (
    ledger_id uuid NOT NULL,
    generation bigint NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    terms tsvector NOT NULL
)
WITH (autovacuum_analyze_threshold='100', autovacuum_analyze_scale_factor='0.05', autovacuum_vacuum_insert_scale_factor='0.05');
INSERT INTO tracking_ledger.deployments VALUES ('a305251a-8736-4d3c-8d28-f8f1a75aea3c', 3, 'e98f57bf-0c9a-51da-b82c-a45cfdfff51f', 1, 12, '{"pr_title": "One", "recorded": true, "pr_number": 1, "created_at": "2026-11-29T09:53:24.707941Z", "created_by": "ann", "updated_at": "2026-11-29T09:53:24.707941Z", "updated_by": "ann", "commit_hash": "84b0fb41c6a1b1a7a9c2a4b4c7f8e9d0a1b2c3d4", "deployed_at": "2026-11-20T08:30:00.000000Z", "test_summary": {"passed": 1}, "constitutional_compliance": true}', '2026-11-20T08:30:00.000000Z', NULL, 0);
INSERT INTO tracking_ledger.entries VALUES ('a305251a-8736-4d3c-8d28-f8f1a75aea3c', 1, 'tag', 'a', '4236c0de-20e3-5b5b-973d-05635f35d87e');
INSERT INTO tracking_ledger.entries VALUES ('a305251a-8736-4d3c-8d28-f8f1a75aea3c', 1, 'tag', 'b', '4236c0de-20e3-5b5b-973d-05635f35d87e');
INSERT INTO tracking_ledger.entries VALUES ('a305251a-8736-4d3c-8d28-f8f1a75aea3c', 1, 'blocks', '9f5e521c-1fb9-51aa-9195-0a55cec26d70', '547f989e-2f0e-520b-9af5-d1829c5e816d');
INSERT INTO tracking_ledger.entries VALUES ('a305251a-8736-4d3c-8d28-f8f1a75aea3c', 2, 'vendor_name', 'acme', 'bf24b3fa-1a2b-5c6e-b438-35e8494fd081');
INSERT INTO tracking_ledger.entries VALUES ('a305251a-8736-4d3c-8d28-f8f1a75aea3c', 3, 'commit', '84b0fb41c6a1b1a7a9c2a4b4c7f8e9d0a1b2c3d4', 'e98f57bf-0c9a-51da-b82c-a45cfdfff51f');
INSERT INTO tracking_ledger.entries VALUES ('a305251a-8736-4d3c-8d28-f8f1a75aea3c', 3, 'deployment_key', '84b0fb41c6a1b1a7a9c2a4b4c7f8e9d0a1b2c3d4:1:', 'e98f57bf-0c9a-51da-b82c-a45cfdfff51f');
INSERT INTO tracking_ledger.entries VALUES ('a305251a-8736-4d3c-8d28-f8f1a75aea3c', 3, 'pr_number', '1', 'e98f57bf-0c9a-51da-b82c-a45cfdfff51f');
INSERT INTO tracking_ledger.events VALUES ('a305251a-8736-4d3c-8d28-f8f1a75aea3c', 1, 'work_item-4236c0de-20e3-5b5b-973d-05635f35d87e', 1, '01a226b8-28a1-71a9-ab84-1352871d92c1', 0, 'CreateWorkItem', '\x3336bf3882b895525cb2f25c28048796985d70e4db4064ffee024d50b7c2efca', 'WorkItemCreated', 1, '{}', '{"item_type":"project","title":"Shop","description":"A \"shop\" — ✓","priority":3,"tags":["a","b"]}', 'ann', '2026-11-29 09:52:13.047823+00', '2026-11-29 09:52:13.119068+00', '\xae8239b0a465d39cf8aba1cd90c80d9201dfd4ea27fd057b6c743e8a0beb6e21');
INSERT INTO tracking_ledger.events VALUES ('a305251a-8736-4d3c-8d28-f8f1a75aea3c', 2, 'work_item-547f989e-2f0e-520b-9af5-d1829c5e816d', 1, '01a226b8-409e-700b-ab05-97d492969b8d', 0, 'CreateWorkItem', '\x225990116b54da648b6631a873b019a64e95cfb4e6f815d8fa0333137943045d', 'WorkItemCreated', 1, '{}', '{"item_type":"task","title":"Parser","priority":1}', 'ann', '2026-11-29 09:52:19.3151+00', '2026-11-29 09:52:19.355407+00', '\xe231bd7646b9f015ebfa38b069c510548976e6ef042f694191933f092705357e');
INSERT INTO tracking_ledger.events VALUES ('a305251a-8736-4d3c-8d28-f8f1a75aea3c', 3, 'work_item-9f5e521c-1fb9-51aa-9195-0a55cec26d70', 1, '01a226b8-52a8-76d3-a38c-dd1e7c2284d3', 0, 'CreateWorkItem', '\x1b5d94a5ebf6e903a1b0482b1dd4abdaeb62e0376c97018455a1e9345996fb91', 'WorkItemCreated', 1, '{}', '{"item_type":"task","title":"Docs","priority":3}', 'ann', '2026-11-29 09:52:23.94859+00', '2026-11-29 09:52:23.957441+00', '\x077ce65bc8242560b148e2c3457c958800536bb5fa8284a320978917a3cd40c6');
INSERT INTO tracking_ledger.events VALUES ('a305251a-8736-4d3c-8d28-f8f1a75aea3c', 4, 'work_item-547f989e-2f0e-520b-9af5-d1829c5e816d', 2, '01a226b8-a550-7faf-9402-e78314b7bf8f', 0, 'LinkWorkItems', '\x9347ba2aa6c03ae498eb749dfa0760c70521aa34d82362a78cac1f47e08d43a9', 'WorkItemLinked', 1, '{links}', '{"kind":"blocks","to_id":"9f5e521c-1fb9-51aa-9195-0a55cec26d70"}', 'ann', '2026-11-29 09:52:45.056312+00', '2026-11-29 09:52:45.08021+00', '\x1534ede5146eeb8a00eff4a272f758db7db654472ff5c493bc8552b33369e910');
INSERT INTO tracking_ledger.events VALUES ('a305251a-8736-4d3c-8d28-f8f1a75aea3c', 5, 'work_item-547f989e-2f0e-520b-9af5-d1829c5e816d', 3, '01a226b8-b263-7299-944d-9d7ca6375f9d', 0, 'ClaimWorkItem', '\x5d97eaf5fce9c6d8ed28492a27ba241c43bb61e5a5d11fc8567b085665ba4ab0', 'WorkItemClaimed', 1, '{}', '{"by":"ann","until":"2026-11-29T10:22:48.394017Z","token_digest":"95fea8b62d82133d1e469fa44b66bfb195843ec438e2637e9784d517033172e0"}', 'ann', '2026-11-29 09:52:48.39257+00', '2026-11-29 09:52:48.44396+00', '\x3bd1d21d73b117dcc26a75b433b9e3fd223547520f75812a08b1285a1b0ea488');
INSERT INTO tracking_ledger.events VALUES ('a305251a-8736-4d3c-8d28-f8f1a75aea3c', 6, 'work_item-4236c0de-20e3-5b5b-973d-05635f35d87e', 2, '01a226b8-bfb2-7ea2-9164-253862b06f42', 0, 'UpdateWorkItem', '\xace52167027d84818ea4bbdf5221b0f1397afe244e9c24e514471fb7fbb79954', 'WorkItemRevised', 1, '{}', '{"changes":{"notes":{"old":null,"new":"x"},"metadata.k":{"new":[1,"ü"]}}}', 'ann', '2026-11-29 09:52:51.723628+00', '2026-11-29 09:52:51.769457+00', '\x95063ad5d1b6e8d3cc1b0b3062f317d361d5e269583a85223e96474a5102b628');
INSERT INTO tracking_ledger.events VALUES ('a305251a-8736-4d3c-8d28-f8f1a75aea3c', 7, 'work_item-1f332c80-ec66-5a5c-a7c0-24d034133729', 1, '01a226b8-cf1d-7e94-9457-839f1c1c938c', 0, 'CreateWorkItem', '\x7cb0c87a953e8a2a818009af499e1c97890d695492587c5fea8f3c93e7693a2d', 'WorkItemCreated', 1, '{creation}', '{"item_type":"task","title":"Under","parent_id":"4236c0de-20e3-5b5b-973d-05635f35d87e","priority":3}', 'ann', '2026-11-29 09:52:55.674995+00', '2026-11-29 09:52:55.697239+00', '\xc537bd5596b0e4e6c2cc19e40929f48cc2081efc2ff9180205886a9ca527cdf6');
INSERT INTO tracking_ledger.events VALUES ('a305251a-8736-4d3c-8d28-f8f1a75aea3c', 8, 'work_item-5d31af95-258d-54c8-86d5-a88a308bd5d2', 1, '01a226b8-db48-70f3-b3d5-04c9f1034007', 0, 'CreateWorkItem', '\xcf93a5cb9e4fd9cf247cc8408ae3495cc3739dfff8b3439485786292d6c7c814', 'WorkItemCreated', 1, '{}', '{"item_type":"task","title":"Finished","priority":3}', 'ann', '2026-11-29 09:52:58.851691+00', '2026-11-29 09:52:58.862177+00', '\x050a5b6a50d70eb336d8bdfa3219c2ac79fbbb2e8638929a5dbcad194c8011af');
INSERT INTO tracking_ledger.events VALUES ('a305251a-8736-4d3c-8d28-f8f1a75aea3c', 9, 'work_item-5d31af95-258d-54c8-86d5-a88a308bd5d2', 2, '01a226b9-0756-7c11-aea1-6e4a559f1819', 0, 'UpdateWorkItem', '\xfa6da2a5a505b7bf915aaa0a64036b4902851a81b8872339f669d9cc43a717a8', 'WorkItemCompleted', 1, '{}', '{}', 'ann', '2026-11-29 09:53:10.135096+00', '2026-11-29 09:53:10.192657+00', '\x1f90cd4741284d87384947cf38f5c93dc003d774767c6b90a66795dbf8b1cc4c');
INSERT INTO tracking_ledger.events VALUES ('a305251a-8736-4d3c-8d28-f8f1a75aea3c', 10, 'vendor-bf24b3fa-1a2b-5c6e-b438-35e8494fd081', 1, '01a226b9-16ed-7bb5-93b8-ae9744292f74', 0, 'CreateVendor', '\xb9f993c3033d4f2287942535b86c91f9e6dfb3979466f6a99c9f3919e875752c', 'VendorCreated', 1, '{}', '{"name":"Acme","status":"broken","extractor_version":"0.0.0","format_support":{"excel":false,"csv":false,"pdf":false,"ocr":false},"manifest_compliant":false}', 'ann', '2026-11-29 09:53:14.096084+00', '2026-11-29 09:53:14.174358+00', '\xbbadd9e5c4e744bd2dd766c7ceeb6ce4f77713717d2be355b83a7b816d40f501');
INSERT INTO tracking_ledger.events VALUES ('a305251a-8736-4d3c-8d28-f8f1a75aea3c', 11, 'vendor-bf24b3fa-1a2b-5c6e-b438-35e8494fd081', 2, '01a226b9-3517-7a3a-a696-98bb331cf98f', 0, 'UpdateVendor', '\xa38f19566c3f9041349e8919bfe41c86ba082312960b9f4f65f07aba53f00bc0', 'VendorTestsReported', 1, '{}', '{"also":{"status":{"old":"broken","new":"operational"}},"passing":3,"total":4,"skipped":0}', 'ann', '2026-11-29 09:53:21.83924+00', '2026-11-29 09:53:21.849463+00', '\x232500e4cdd2db9723b82755aba8d66651d84dad0d6425adc5fe416881c2062b');
INSERT INTO tracking_ledger.events VALUES ('a305251a-8736-4d3c-8d28-f8f1a75aea3c', 12, 'deployment-e98f57bf-0c9a-51da-b82c-a45cfdfff51f', 1, '01a226b9-3ff3-7f54-8bd7-8a3a6e91958c', 0, 'RecordDeployment', '\x78d2c92e0ef2d3eab39841bec346b72335791ce76899f2e46fd069aabc5266b9', 'DeploymentRecorded', 1, '{}', '{"deployed_at":"2026-11-20T08:30:00.000000Z","commit_hash":"84b0fb41c6a1b1a7a9c2a4b4c7f8e9d0a1b2c3d4","pr_number":1,"pr_title":"One","test_summary":{"passed":1},"constitutional_compliance":true}', 'ann', '2026-11-29 09:53:24.707941+00', '2026-11-29 09:53:24.748014+00', '\x7fe3b74162126ed4cc5ba9ffa1499621b49992fdcd3c1f8e2e04b75802e9d70f');
INSERT INTO tracking_ledger.ledger_members VALUES ('a305251a-8736-4d3c-8d28-f8f1a75aea3c', 'tracking_ledger_app');
INSERT INTO tracking_ledger.ledgers VALUES ('a305251a-8736-4d3c-8d28-f8f1a75aea3c', 'a305251a-8736-4d3c-8d28-f8f1a75aea3c', 'shop', 'open', NULL, NULL, '2026-11-29 09:52:06.736476+00');
INSERT INTO tracking_ledger.migrations VALUES ('0000_roles', '2fea3c9d95a7a1632324e167db237c098dc21ef40acd60ad74d62faaee85a7f9', '{0,1,0}', '2026-11-29 09:52:05.993515+00');
INSERT INTO tracking_ledger.migrations VALUES ('0001_ledgers', '3789f6e6b3449dc3df3e815ac23a5ded447a166b46b76e8f4a04bf3b26565288', '{0,1,0}', '2026-11-29 09:52:06.093473+00');
INSERT INTO tracking_ledger.migrations VALUES ('0002_events', '55aa97188549d5aa97fd827106bf5ae19693b5449d29bd41eff2b7e62c324108', '{0,1,0}', '2026-11-29 09:52:06.164911+00');
INSERT INTO tracking_ledger.migrations VALUES ('0003_read_models', 'ffae0fd733250c42954c273043fcd1892e4c6f26a9d4703cdf7050acf6d4f64a', '{0,1,0}', '2026-11-29 09:52:06.271589+00');
INSERT INTO tracking_ledger.migrations VALUES ('0004_row_security', '7c238d4d012c032f060091151c9845969e9d27539055d70d4613aa2e9db00323', '{0,1,0}', '2026-11-29 09:52:06.346957+00');
INSERT INTO tracking_ledger.migrations VALUES ('0005_things', '4e69dd7a008d31c180c69ee440262b998cb9d57f3139d558033c0c73bbacc54c', '{0,1,0}', '2026-11-29 09:52:06.36794+00');
INSERT INTO tracking_ledger.migrations VALUES ('0006_search', '4e502059a4f5a5ed75998789150be98b141b1cc44e67907687163b8cc3dd12d9', '{0,1,0}', '2026-11-29 09:52:06.395036+00');
INSERT INTO tracking_ledger.migrations VALUES ('0007_conflicts', 'd9ae3f1cfe840e3f0987910426f2c29b1d6ec79e27087e05c9e026f3371795af', '{0,1,0}', '2026-11-29 09:52:06.435799+00');
INSERT INTO tracking_ledger.migrations VALUES ('0009_retired', '6f98e532d4070275bed1c150d5123a173a6cc26e8a288d1eda0737aa5fb6e764', '{0,1,0}', '2026-11-29 09:52:06.459019+00');
INSERT INTO tracking_ledger.migrations VALUES ('0012_moving', '3896f55965fbcfd8414acef4d019fd66fb5054b1db2cf747a4a2e95d3e6904a2', '{0,1,0}', '2026-11-29 09:52:06.468549+00');
INSERT INTO tracking_ledger.migrations VALUES ('0013_plain_columns', '99e296baa20975f992de670bf448bae8394636b368407b81bfc244c4bf008299', '{0,1,0}', '2026-11-29 09:52:06.524896+00');
INSERT INTO tracking_ledger.migrations VALUES ('0014_generation_statistics', '40501c5d0834c64779e6cf6d06bf4c6743dd81a0e976d6eafcc53c2ac8d1f3e3', '{0,1,0}', '2026-11-29 09:52:06.552394+00');
INSERT INTO tracking_ledger.migrations VALUES ('functions', '32e1b243f5febd562ef473620b940394be0a614466e61ebadae5bb74499b02e2', '{0,1,0}', '2026-11-29 09:52:06.601506+00');
INSERT INTO tracking_ledger.migrations VALUES ('grants', '886c2ee2466cb3bdd2e3acba036f4e57e08428c1c3e7b6762616af7419fc4fa1', '{0,1,0}', '2026-11-29 09:52:06.662786+00');
INSERT INTO tracking_ledger.projections VALUES ('a305251a-8736-4d3c-8d28-f8f1a75aea3c', 'work_items', 3, 1, NULL);
INSERT INTO tracking_ledger.projections VALUES ('a305251a-8736-4d3c-8d28-f8f1a75aea3c', 'vendors', 1, 2, NULL);
INSERT INTO tracking_ledger.projections VALUES ('a305251a-8736-4d3c-8d28-f8f1a75aea3c', 'deployments', 1, 3, NULL);
INSERT INTO tracking_ledger.projections VALUES ('a305251a-8736-4d3c-8d28-f8f1a75aea3c', 'enhancements', 1, 4, NULL);
INSERT INTO tracking_ledger.projections VALUES ('a305251a-8736-4d3c-8d28-f8f1a75aea3c', 'configurations', 1, 5, NULL);
INSERT INTO tracking_ledger.projections VALUES ('a305251a-8736-4d3c-8d28-f8f1a75aea3c', 'conflicts', 1, 6, NULL);
INSERT INTO tracking_ledger.vendors VALUES ('a305251a-8736-4d3c-8d28-f8f1a75aea3c', 2, 'bf24b3fa-1a2b-5c6e-b438-35e8494fd081', 2, 11, '{"name": "Acme", "status": "operational", "name_key": "acme", "created_at": "2026-11-29T09:53:14.096084Z", "created_by": "ann", "updated_at": "2026-11-29T09:53:21.839240Z", "updated_by": "ann", "test_results": {"total": 4, "passing": 3, "skipped": 0}, "format_support": {"csv": false, "ocr": false, "pdf": false, "excel": false}, "extractor_version": "0.0.0", "manifest_compliant": false}', 'acme', 'operational', 0);
INSERT INTO tracking_ledger.work_item_terms VALUES ('a305251a-8736-4d3c-8d28-f8f1a75aea3c', 1, '9f5e521c-1fb9-51aa-9195-0a55cec26d70', '''docs'':1A');
INSERT INTO tracking_ledger.work_item_terms VALUES ('a305251a-8736-4d3c-8d28-f8f1a75aea3c', 1, '547f989e-2f0e-520b-9af5-d1829c5e816d', '''parser'':1A');
INSERT INTO tracking_ledger.work_item_terms VALUES ('a305251a-8736-4d3c-8d28-f8f1a75aea3c', 1, '4236c0de-20e3-5b5b-973d-05635f35d87e', '''a'':2B,3 ''b'':2B ''shop'':1A,3 ''u'':3 ''x'':3');
INSERT INTO tracking_ledger.work_item_terms VALUES ('a305251a-8736-4d3c-8d28-f8f1a75aea3c', 1, '1f332c80-ec66-5a5c-a7c0-24d034133729', '''under'':1A');
INSERT INTO tracking_ledger.work_item_terms VALUES ('a305251a-8736-4d3c-8d28-f8f1a75aea3c', 1, '5d31af95-258d-54c8-86d5-a88a308bd5d2', '''finished'':1A');
INSERT INTO tracking_ledger.work_items VALUES ('a305251a-8736-4d3c-8d28-f8f1a75aea3c', 1, '9f5e521c-1fb9-51aa-9195-0a55cec26d70', 1, 3, '{"tags": [], "claim": null, "links": [], "notes": null, "title": "Docs", "forced": null, "status": "active", "commits": [], "deleted": false, "archived": false, "assignee": null, "metadata": {}, "priority": 3, "item_type": "task", "parent_id": null, "withdrawn": false, "cascade_of": null, "created_at": "2026-11-29T09:52:23.948590Z", "created_by": "ann", "pr_numbers": [], "updated_at": "2026-11-29T09:52:23.948590Z", "updated_by": "ann", "branch_name": null, "description": null, "external_id": null, "block_reason": null, "external_source": null}', 'task', 'active', 'Docs', NULL, 3, '3 2026-11-29T09:52:23.948590Z', 0, NULL, NULL, '2026-11-29T09:52:23.948590Z', '2026-11-29T09:52:23.948590Z');
INSERT INTO tracking_ledger.work_items VALUES ('a305251a-8736-4d3c-8d28-f8f1a75aea3c', 1, '547f989e-2f0e-520b-9af5-d1829c5e816d', 3, 5, '{"tags": [], "claim": {"by": "ann", "until": "2026-11-29T10:22:48.394017Z", "token_digest": "95fea8b62d82133d1e469fa44b66bfb195843ec438e2637e9784d517033172e0"}, "links": [{"kind": "blocks", "to_id": "9f5e521c-1fb9-51aa-9195-0a55cec26d70"}], "notes": null, "title": "Parser", "forced": null, "status": "active", "commits": [], "deleted": false, "archived": false, "assignee": null, "metadata": {}, "priority": 1, "item_type": "task", "parent_id": null, "withdrawn": false, "cascade_of": null, "created_at": "2026-11-29T09:52:19.315100Z", "created_by": "ann", "pr_numbers": [], "updated_at": "2026-11-29T09:52:48.392570Z", "updated_by": "ann", "branch_name": null, "description": null, "external_id": null, "block_reason": null, "external_source": null}', 'task', 'active', 'Parser', NULL, 1, '1 2026-11-29T09:52:19.315100Z', 0, 'ann', '2026-11-29T10:22:48.394017Z', '2026-11-29T09:52:19.315100Z', '2026-11-29T09:52:48.392570Z');
INSERT INTO tracking_ledger.work_items VALUES ('a305251a-8736-4d3c-8d28-f8f1a75aea3c', 1, '4236c0de-20e3-5b5b-973d-05635f35d87e', 2, 6, '{"tags": ["a", "b"], "claim": null, "links": [], "notes": "x", "title": "Shop", "forced": null, "status": "active", "commits": [], "deleted": false, "archived": false, "assignee": null, "metadata": {"k": [1, "ü"]}, "priority": 3, "item_type": "project", "parent_id": null, "withdrawn": false, "cascade_of": null, "created_at": "2026-11-29T09:52:13.047823Z", "created_by": "ann", "pr_numbers": [], "updated_at": "2026-11-29T09:52:51.723628Z", "updated_by": "ann", "branch_name": null, "description": "A \"shop\" — ✓", "external_id": null, "block_reason": null, "external_source": null}', 'project', 'active', 'Shop', NULL, 3, '3 2026-11-29T09:52:13.047823Z', 0, NULL, NULL, '2026-11-29T09:52:13.047823Z', '2026-11-29T09:52:51.723628Z');
INSERT INTO tracking_ledger.work_items VALUES ('a305251a-8736-4d3c-8d28-f8f1a75aea3c', 1, '1f332c80-ec66-5a5c-a7c0-24d034133729', 1, 7, '{"tags": [], "claim": null, "links": [], "notes": null, "title": "Under", "forced": null, "status": "active", "commits": [], "deleted": false, "archived": false, "assignee": null, "metadata": {}, "priority": 3, "item_type": "task", "parent_id": "4236c0de-20e3-5b5b-973d-05635f35d87e", "withdrawn": false, "cascade_of": null, "created_at": "2026-11-29T09:52:55.674995Z", "created_by": "ann", "pr_numbers": [], "updated_at": "2026-11-29T09:52:55.674995Z", "updated_by": "ann", "branch_name": null, "description": null, "external_id": null, "block_reason": null, "external_source": null}', 'task', 'active', 'Under', '4236c0de-20e3-5b5b-973d-05635f35d87e', 3, '3 2026-11-29T09:52:55.674995Z', 0, NULL, NULL, '2026-11-29T09:52:55.674995Z', '2026-11-29T09:52:55.674995Z');
INSERT INTO tracking_ledger.work_items VALUES ('a305251a-8736-4d3c-8d28-f8f1a75aea3c', 1, '5d31af95-258d-54c8-86d5-a88a308bd5d2', 2, 9, '{"tags": [], "claim": null, "links": [], "notes": null, "title": "Finished", "forced": null, "status": "completed", "commits": [], "deleted": false, "archived": false, "assignee": null, "metadata": {}, "priority": 3, "item_type": "task", "parent_id": null, "withdrawn": false, "cascade_of": null, "created_at": "2026-11-29T09:52:58.851691Z", "created_by": "ann", "pr_numbers": [], "updated_at": "2026-11-29T09:53:10.135096Z", "updated_by": "ann", "branch_name": null, "description": null, "external_id": null, "block_reason": null, "external_source": null}', 'task', 'completed', 'Finished', NULL, 3, '3 2026-11-29T09:52:58.851691Z', 0, NULL, NULL, '2026-11-29T09:52:58.851691Z', '2026-11-29T09:53:10.135096Z');
SELECT pg_catalog.setval('tracking_ledger.generations', 6, true);
ALTER TABLE ONLY tracking_ledger.configurations
    ADD CONSTRAINT configurations_pkey PRIMARY KEY (ledger_id, generation, id);
ALTER TABLE ONLY tracking_ledger.conflicts
    ADD CONSTRAINT conflicts_pkey PRIMARY KEY (ledger_id, generation, id);
ALTER TABLE ONLY tracking_ledger.deployments
    ADD CONSTRAINT deployments_pkey PRIMARY KEY (ledger_id, generation, id);
ALTER TABLE ONLY tracking_ledger.enhancements
    ADD CONSTRAINT enhancements_pkey PRIMARY KEY (ledger_id, generation, id);
ALTER TABLE ONLY tracking_ledger.entries
    ADD CONSTRAINT entries_pkey PRIMARY KEY (ledger_id, generation, relation, target, id);
ALTER TABLE ONLY tracking_ledger.events
    ADD CONSTRAINT events_ledger_id_command_id_n_key UNIQUE (ledger_id, command_id, n);
ALTER TABLE ONLY tracking_ledger.events
    ADD CONSTRAINT events_ledger_id_stream_id_version_key UNIQUE (ledger_id, stream_id, version);
ALTER TABLE ONLY tracking_ledger.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (ledger_id, "position");
ALTER TABLE ONLY tracking_ledger.ledger_members
    ADD CONSTRAINT ledger_members_pkey PRIMARY KEY (ledger_id, member);
ALTER TABLE ONLY tracking_ledger.ledgers
    ADD CONSTRAINT ledgers_pkey PRIMARY KEY (ledger_id);
ALTER TABLE ONLY tracking_ledger.migrations
    ADD CONSTRAINT migrations_pkey PRIMARY KEY (name);
ALTER TABLE ONLY tracking_ledger.projections
    ADD CONSTRAINT projections_pkey PRIMARY KEY (ledger_id, projection, shape);
ALTER TABLE ONLY tracking_ledger.retired
    ADD CONSTRAINT retired_pkey PRIMARY KEY (ledger_id, generation);
ALTER TABLE ONLY tracking_ledger.vendors
    ADD CONSTRAINT vendors_pkey PRIMARY KEY (ledger_id, generation, id);
ALTER TABLE ONLY tracking_ledger.work_item_terms
    ADD CONSTRAINT work_item_terms_pkey PRIMARY KEY (ledger_id, generation, id);
ALTER TABLE ONLY tracking_ledger.work_items
    ADD CONSTRAINT work_items_pkey PRIMARY KEY (ledger_id, generation, id);
CREATE INDEX conflicts_by_status ON tracking_ledger.conflicts USING btree (ledger_id, generation, status, created_at, id);
CREATE INDEX deployments_by_time ON tracking_ledger.deployments USING btree (ledger_id, generation, deployed_at, id);
CREATE INDEX enhancements_by_priority ON tracking_ledger.enhancements USING btree (ledger_id, generation, rank, id);
CREATE INDEX entries_from ON tracking_ledger.entries USING btree (ledger_id, generation, id, relation, target) WHERE (relation = ANY (ARRAY['blocks'::text, 'relates_to'::text, 'discovered_from'::text]));
CREATE UNIQUE INDEX entries_that_are_unique ON tracking_ledger.entries USING btree (ledger_id, generation, relation, target) WHERE (relation = ANY (ARRAY['vendor_name'::text, 'external_id'::text, 'deployment_key'::text]));
CREATE INDEX vendors_by_name ON tracking_ledger.vendors USING btree (ledger_id, generation, name_key, id);
CREATE INDEX work_item_terms_by_term ON tracking_ledger.work_item_terms USING gin (terms);
CREATE INDEX work_items_by_creation ON tracking_ledger.work_items USING btree (ledger_id, generation, created_at, id);
CREATE INDEX work_items_by_priority ON tracking_ledger.work_items USING btree (ledger_id, generation, rank, id);
CREATE INDEX work_items_by_update ON tracking_ledger.work_items USING btree (ledger_id, generation, updated_at, id);
CREATE INDEX work_items_children ON tracking_ledger.work_items USING btree (ledger_id, generation, parent_id, id);
CREATE INDEX work_items_claimed ON tracking_ledger.work_items USING btree (ledger_id, generation, claimed_by, claimed_until) WHERE (claimed_by IS NOT NULL);
CREATE INDEX work_items_counted ON tracking_ledger.work_items USING btree (ledger_id, generation, hidden, status, item_type, priority, "position", parent_id);
CREATE INDEX work_items_open ON tracking_ledger.work_items USING btree (ledger_id, generation, rank, id) WHERE ((status = 'active'::text) AND (hidden = 0));
CREATE STATISTICS tracking_ledger.configurations_generations (dependencies) ON ledger_id, generation FROM tracking_ledger.configurations;
CREATE STATISTICS tracking_ledger.conflicts_generations (dependencies) ON ledger_id, generation FROM tracking_ledger.conflicts;
CREATE STATISTICS tracking_ledger.deployments_generations (dependencies) ON ledger_id, generation FROM tracking_ledger.deployments;
CREATE STATISTICS tracking_ledger.enhancements_generations (dependencies) ON ledger_id, generation FROM tracking_ledger.enhancements;
CREATE STATISTICS tracking_ledger.entries_generations (dependencies) ON ledger_id, generation FROM tracking_ledger.entries;
CREATE STATISTICS tracking_ledger.vendors_generations (dependencies) ON ledger_id, generation FROM tracking_ledger.vendors;
CREATE STATISTICS tracking_ledger.work_item_terms_generations (dependencies) ON ledger_id, generation FROM tracking_ledger.work_item_terms;
CREATE STATISTICS tracking_ledger.work_items_generations (dependencies) ON ledger_id, generation FROM tracking_ledger.work_items;
CREATE TRIGGER events_are_never_changed BEFORE DELETE OR UPDATE ON tracking_ledger.events FOR EACH ROW EXECUTE FUNCTION tracking_ledger.refuse_change();
CREATE TRIGGER events_are_never_emptied BEFORE TRUNCATE ON tracking_ledger.events FOR EACH STATEMENT EXECUTE FUNCTION tracking_ledger.refuse_change();
ALTER TABLE tracking_ledger.configurations ENABLE ROW LEVEL SECURITY;
ALTER TABLE tracking_ledger.conflicts ENABLE ROW LEVEL SECURITY;
ALTER TABLE tracking_ledger.deployments ENABLE ROW LEVEL SECURITY;
CREATE POLICY doors ON tracking_ledger.configurations TO tracking_ledger_owner USING ((ledger_id = (NULLIF(current_setting('ledger.id'::text, true), ''::text))::uuid));
CREATE POLICY doors ON tracking_ledger.conflicts TO tracking_ledger_owner USING ((ledger_id = (NULLIF(current_setting('ledger.id'::text, true), ''::text))::uuid));
CREATE POLICY doors ON tracking_ledger.deployments TO tracking_ledger_owner USING ((ledger_id = (NULLIF(current_setting('ledger.id'::text, true), ''::text))::uuid));
CREATE POLICY doors ON tracking_ledger.enhancements TO tracking_ledger_owner USING ((ledger_id = (NULLIF(current_setting('ledger.id'::text, true), ''::text))::uuid));
CREATE POLICY doors ON tracking_ledger.entries TO tracking_ledger_owner USING ((ledger_id = (NULLIF(current_setting('ledger.id'::text, true), ''::text))::uuid));
CREATE POLICY doors ON tracking_ledger.events TO tracking_ledger_owner USING ((ledger_id = (NULLIF(current_setting('ledger.id'::text, true), ''::text))::uuid));
CREATE POLICY doors ON tracking_ledger.projections TO tracking_ledger_owner USING ((ledger_id = (NULLIF(current_setting('ledger.id'::text, true), ''::text))::uuid));
CREATE POLICY doors ON tracking_ledger.retired TO tracking_ledger_owner USING ((ledger_id = (NULLIF(current_setting('ledger.id'::text, true), ''::text))::uuid));
CREATE POLICY doors ON tracking_ledger.vendors TO tracking_ledger_owner USING ((ledger_id = (NULLIF(current_setting('ledger.id'::text, true), ''::text))::uuid));
CREATE POLICY doors ON tracking_ledger.work_items TO tracking_ledger_owner USING ((ledger_id = (NULLIF(current_setting('ledger.id'::text, true), ''::text))::uuid));
ALTER TABLE tracking_ledger.enhancements ENABLE ROW LEVEL SECURITY;
ALTER TABLE tracking_ledger.entries ENABLE ROW LEVEL SECURITY;
ALTER TABLE tracking_ledger.events ENABLE ROW LEVEL SECURITY;
ALTER TABLE tracking_ledger.ledger_members ENABLE ROW LEVEL SECURITY;
CREATE POLICY members ON tracking_ledger.configurations FOR SELECT TO tracking_ledger_writer USING ((ledger_id = ( SELECT m.ledger_id
   FROM tracking_ledger.ledger_members m
  WHERE (m.ledger_id = (NULLIF(current_setting('ledger.id'::text, true), ''::text))::uuid)
 LIMIT 1)));
CREATE POLICY members ON tracking_ledger.conflicts FOR SELECT TO tracking_ledger_writer USING ((ledger_id = ( SELECT m.ledger_id
   FROM tracking_ledger.ledger_members m
  WHERE (m.ledger_id = (NULLIF(current_setting('ledger.id'::text, true), ''::text))::uuid)
 LIMIT 1)));
CREATE POLICY members ON tracking_ledger.deployments FOR SELECT TO tracking_ledger_writer USING ((ledger_id = ( SELECT m.ledger_id
   FROM tracking_ledger.ledger_members m
  WHERE (m.ledger_id = (NULLIF(current_setting('ledger.id'::text, true), ''::text))::uuid)
 LIMIT 1)));
CREATE POLICY members ON tracking_ledger.enhancements FOR SELECT TO tracking_ledger_writer USING ((ledger_id = ( SELECT m.ledger_id
   FROM tracking_ledger.ledger_members m
  WHERE (m.ledger_id = (NULLIF(current_setting('ledger.id'::text, true), ''::text))::uuid)
 LIMIT 1)));
CREATE POLICY members ON tracking_ledger.entries FOR SELECT TO tracking_ledger_writer USING ((ledger_id = ( SELECT m.ledger_id
   FROM tracking_ledger.ledger_members m
  WHERE (m.ledger_id = (NULLIF(current_setting('ledger.id'::text, true), ''::text))::uuid)
 LIMIT 1)));
CREATE POLICY members ON tracking_ledger.events FOR SELECT TO tracking_ledger_writer USING ((ledger_id = ( SELECT m.ledger_id
   FROM tracking_ledger.ledger_members m
  WHERE (m.ledger_id = (NULLIF(current_setting('ledger.id'::text, true), ''::text))::uuid)
 LIMIT 1)));
CREATE POLICY members ON tracking_ledger.projections FOR SELECT TO tracking_ledger_writer USING ((ledger_id = ( SELECT m.ledger_id
   FROM tracking_ledger.ledger_members m
  WHERE (m.ledger_id = (NULLIF(current_setting('ledger.id'::text, true), ''::text))::uuid)
 LIMIT 1)));
CREATE POLICY members ON tracking_ledger.vendors FOR SELECT TO tracking_ledger_writer USING ((ledger_id = ( SELECT m.ledger_id
   FROM tracking_ledger.ledger_members m
  WHERE (m.ledger_id = (NULLIF(current_setting('ledger.id'::text, true), ''::text))::uuid)
 LIMIT 1)));
CREATE POLICY members ON tracking_ledger.work_items FOR SELECT TO tracking_ledger_writer USING ((ledger_id = ( SELECT m.ledger_id
   FROM tracking_ledger.ledger_members m
  WHERE (m.ledger_id = (NULLIF(current_setting('ledger.id'::text, true), ''::text))::uuid)
 LIMIT 1)));
CREATE POLICY own_memberships ON tracking_ledger.ledger_members FOR SELECT TO tracking_ledger_writer USING (pg_has_role((to_regrole(quote_ident((member)::text)))::oid, 'MEMBER'::text));
ALTER TABLE tracking_ledger.projections ENABLE ROW LEVEL SECURITY;
ALTER TABLE tracking_ledger.retired ENABLE ROW LEVEL SECURITY;
ALTER TABLE tracking_ledger.vendors ENABLE ROW LEVEL SECURITY;
ALTER TABLE tracking_ledger.work_items ENABLE ROW LEVEL SECURITY;
GRANT USAGE ON SCHEMA tracking_ledger TO tracking_ledger_writer;
REVOKE ALL ON FUNCTION tracking_ledger.adopt_origin(p_ledger uuid, p_origin uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION tracking_ledger.adopt_origin(p_ledger uuid, p_origin uuid) TO tracking_ledger_writer;
REVOKE ALL ON FUNCTION tracking_ledger.append_events(p_ledger uuid, p_command json, p_documents text, OUT first_position bigint, OUT last_position bigint, OUT recorded_at timestamp with time zone, OUT repeated boolean, OUT streams json, OUT before text, OUT after text) FROM PUBLIC;
GRANT ALL ON FUNCTION tracking_ledger.append_events(p_ledger uuid, p_command json, p_documents text, OUT first_position bigint, OUT last_position bigint, OUT recorded_at timestamp with time zone, OUT repeated boolean, OUT streams json, OUT before text, OUT after text) TO tracking_ledger_writer;
REVOKE ALL ON FUNCTION tracking_ledger.append_group(p_ledger uuid, p_commands text[], p_documents text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION tracking_ledger.append_group(p_ledger uuid, p_commands text[], p_documents text[]) TO tracking_ledger_writer;
REVOKE ALL ON FUNCTION tracking_ledger.begin_moving(p_ledger uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION tracking_ledger.begin_moving(p_ledger uuid) TO tracking_ledger_writer;
REVOKE ALL ON FUNCTION tracking_ledger.begin_rebuilding(p_ledger uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION tracking_ledger.begin_rebuilding(p_ledger uuid) TO tracking_ledger_writer;
REVOKE ALL ON FUNCTION tracking_ledger.beside(p_ledger uuid, p_projection text, p_generation bigint, p_id text, OUT before text, OUT after text) FROM PUBLIC;
REVOKE ALL ON FUNCTION tracking_ledger.chain_on(p_previous bytea, p_first bytea, p_header text[], p_data json) FROM PUBLIC;
REVOKE ALL ON FUNCTION tracking_ledger.check_conditions(p_ledger uuid, p_conditions text, p_as_of bigint, p_not_before text, p_not_after text, p_now timestamp with time zone) FROM PUBLIC;
REVOKE ALL ON FUNCTION tracking_ledger.close_ledger(p_ledger uuid, p_reason text, p_successor text) FROM PUBLIC;
GRANT ALL ON FUNCTION tracking_ledger.close_ledger(p_ledger uuid, p_reason text, p_successor text) TO tracking_ledger_writer;
REVOKE ALL ON FUNCTION tracking_ledger.columns_of_conflicts(p_doc jsonb) FROM PUBLIC;
REVOKE ALL ON FUNCTION tracking_ledger.columns_of_deployments(p_doc jsonb) FROM PUBLIC;
REVOKE ALL ON FUNCTION tracking_ledger.columns_of_enhancements(p_doc jsonb) FROM PUBLIC;
REVOKE ALL ON FUNCTION tracking_ledger.columns_of_vendors(p_doc jsonb) FROM PUBLIC;
REVOKE ALL ON FUNCTION tracking_ledger.columns_of_work_items(p_doc jsonb) FROM PUBLIC;
REVOKE ALL ON FUNCTION tracking_ledger.create_ledger(p_ledger uuid, p_name text) FROM PUBLIC;
GRANT ALL ON FUNCTION tracking_ledger.create_ledger(p_ledger uuid, p_name text) TO tracking_ledger_writer;
REVOKE ALL ON FUNCTION tracking_ledger.differing_columns(p_ledger uuid, p_projection text, p_generation bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION tracking_ledger.differing_columns(p_ledger uuid, p_projection text, p_generation bigint) TO tracking_ledger_writer;
REVOKE ALL ON FUNCTION tracking_ledger.differing_terms(p_ledger uuid, p_generation bigint, p_ids text[], p_terms text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION tracking_ledger.differing_terms(p_ledger uuid, p_generation bigint, p_ids text[], p_terms text[]) TO tracking_ledger_writer;
REVOKE ALL ON FUNCTION tracking_ledger.enter_ledger(p_ledger uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION tracking_ledger.enter_ledger(p_ledger uuid) TO tracking_ledger_writer;
GRANT SELECT ON TABLE tracking_ledger.events TO tracking_ledger_writer;
REVOKE ALL ON FUNCTION tracking_ledger.event_digest(p_previous bytea, p_event tracking_ledger.events) FROM PUBLIC;
REVOKE ALL ON FUNCTION tracking_ledger.expect_events(p_ledger uuid, p_origin uuid) FROM PUBLIC;
REVOKE ALL ON FUNCTION tracking_ledger.fill_generation(p_ledger uuid, p_projection text, p_generation bigint, p_rows json, p_entries json, p_documents text) FROM PUBLIC;
GRANT ALL ON FUNCTION tracking_ledger.fill_generation(p_ledger uuid, p_projection text, p_generation bigint, p_rows json, p_entries json, p_documents text) TO tracking_ledger_writer;
REVOKE ALL ON FUNCTION tracking_ledger.find_command(p_ledger uuid, p_command_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION tracking_ledger.find_command(p_ledger uuid, p_command_id uuid) TO tracking_ledger_writer;
REVOKE ALL ON FUNCTION tracking_ledger.head_of(p_ledger uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION tracking_ledger.head_of(p_ledger uuid) TO tracking_ledger_writer;
REVOKE ALL ON FUNCTION tracking_ledger.header(p_position bigint, p_stream_id text, p_version integer, p_command_id uuid, p_n integer, p_command text, p_command_digest text, p_type text, p_schema integer, p_topics text, p_by text, p_occurred_at timestamp with time zone, p_recorded_at timestamp with time zone) FROM PUBLIC;
REVOKE ALL ON FUNCTION tracking_ledger.is_member(p_ledger uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION tracking_ledger.is_member(p_ledger uuid) TO tracking_ledger_writer;
REVOKE ALL ON FUNCTION tracking_ledger.known_at(p_ledger uuid, p_positions bigint[]) FROM PUBLIC;
GRANT ALL ON FUNCTION tracking_ledger.known_at(p_ledger uuid, p_positions bigint[]) TO tracking_ledger_writer;
REVOKE ALL ON FUNCTION tracking_ledger.ledger_overview() FROM PUBLIC;
GRANT ALL ON FUNCTION tracking_ledger.ledger_overview() TO tracking_ledger_writer;
REVOKE ALL ON FUNCTION tracking_ledger.list_ledgers() FROM PUBLIC;
GRANT ALL ON FUNCTION tracking_ledger.list_ledgers() TO tracking_ledger_writer;
REVOKE ALL ON FUNCTION tracking_ledger.lock_for_writing(p_ledger uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION tracking_ledger.lock_for_writing(p_ledger uuid) TO tracking_ledger_writer;
REVOKE ALL ON FUNCTION tracking_ledger.lock_ledger(p_ledger uuid) FROM PUBLIC;
REVOKE ALL ON FUNCTION tracking_ledger.matching(p_ledger uuid, p_generation bigint, p_terms text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION tracking_ledger.matching(p_ledger uuid, p_generation bigint, p_terms text[]) TO tracking_ledger_writer;
REVOKE ALL ON FUNCTION tracking_ledger.new_generation(p_ledger uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION tracking_ledger.new_generation(p_ledger uuid) TO tracking_ledger_writer;
REVOKE ALL ON FUNCTION tracking_ledger.page_of(p_ledger uuid, p_after bigint, p_up_to bigint, p_most integer, OUT head bigint, OUT ends bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION tracking_ledger.position_at(p_ledger uuid, p_moment timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION tracking_ledger.position_at(p_ledger uuid, p_moment timestamp with time zone) TO tracking_ledger_writer;
REVOKE ALL ON FUNCTION tracking_ledger.prove_events(p_ledger uuid, p_after bigint, p_up_to bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION tracking_ledger.prove_events(p_ledger uuid, p_after bigint, p_up_to bigint) TO tracking_ledger_writer;
REVOKE ALL ON FUNCTION tracking_ledger.put_entries(p_ledger uuid, p_generation bigint, p_entries json) FROM PUBLIC;
REVOKE ALL ON FUNCTION tracking_ledger.put_rows(p_ledger uuid, p_projection text, p_generation bigint, p_rows json, p_documents jsonb[], p_first bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION tracking_ledger.read_events(p_ledger uuid, p_after bigint, p_up_to bigint, p_most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION tracking_ledger.read_events(p_ledger uuid, p_after bigint, p_up_to bigint, p_most integer) TO tracking_ledger_writer;
REVOKE ALL ON FUNCTION tracking_ledger.read_facts(p_ledger uuid, p_after bigint, p_up_to bigint, p_most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION tracking_ledger.read_facts(p_ledger uuid, p_after bigint, p_up_to bigint, p_most integer) TO tracking_ledger_writer;
REVOKE ALL ON FUNCTION tracking_ledger.read_streams(p_ledger uuid, p_streams text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION tracking_ledger.read_streams(p_ledger uuid, p_streams text[]) TO tracking_ledger_writer;
REVOKE ALL ON FUNCTION tracking_ledger.recorded_streams(p_ledger uuid, p_command_id uuid) FROM PUBLIC;
REVOKE ALL ON FUNCTION tracking_ledger.refresh_statistics() FROM PUBLIC;
GRANT ALL ON FUNCTION tracking_ledger.refresh_statistics() TO tracking_ledger_writer;
REVOKE ALL ON FUNCTION tracking_ledger.refuse_change() FROM PUBLIC;
REVOKE ALL ON FUNCTION tracking_ledger.register_projections(p_ledger uuid, p_shapes json) FROM PUBLIC;
GRANT ALL ON FUNCTION tracking_ledger.register_projections(p_ledger uuid, p_shapes json) TO tracking_ledger_writer;
REVOKE ALL ON FUNCTION tracking_ledger.remove_retired(p_ledger uuid, p_most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION tracking_ledger.remove_retired(p_ledger uuid, p_most integer) TO tracking_ledger_writer;
REVOKE ALL ON FUNCTION tracking_ledger.rename_ledger(p_ledger uuid, p_name text) FROM PUBLIC;
GRANT ALL ON FUNCTION tracking_ledger.rename_ledger(p_ledger uuid, p_name text) TO tracking_ledger_writer;
REVOKE ALL ON FUNCTION tracking_ledger.reopen_ledger(p_ledger uuid, p_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION tracking_ledger.reopen_ledger(p_ledger uuid, p_reason text) TO tracking_ledger_writer;
REVOKE ALL ON FUNCTION tracking_ledger.require_member(p_ledger uuid) FROM PUBLIC;
REVOKE ALL ON FUNCTION tracking_ledger.restore_events(p_ledger uuid, p_origin uuid, p_events json) FROM PUBLIC;
REVOKE ALL ON FUNCTION tracking_ledger.serve_generation(p_ledger uuid, p_projection text, p_shape integer, p_generation bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION tracking_ledger.serve_generation(p_ledger uuid, p_projection text, p_shape integer, p_generation bigint) TO tracking_ledger_writer;
REVOKE ALL ON FUNCTION tracking_ledger.set_member(p_ledger uuid, p_role name, p_allowed boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION tracking_ledger.set_member(p_ledger uuid, p_role name, p_allowed boolean) TO tracking_ledger_writer;
REVOKE ALL ON FUNCTION tracking_ledger.settle_origin(p_ledger uuid, p_origin uuid) FROM PUBLIC;
REVOKE ALL ON FUNCTION tracking_ledger.sum_of_read_model(p_ledger uuid, p_projection text, p_shape integer, p_after bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION tracking_ledger.sum_of_read_model(p_ledger uuid, p_projection text, p_shape integer, p_after bigint) TO tracking_ledger_writer;
REVOKE ALL ON FUNCTION tracking_ledger.chain(bytea, text[], json) FROM PUBLIC;
GRANT SELECT ON TABLE tracking_ledger.configurations TO tracking_ledger_writer;
GRANT SELECT ON TABLE tracking_ledger.conflicts TO tracking_ledger_writer;
GRANT SELECT ON TABLE tracking_ledger.deployments TO tracking_ledger_writer;
GRANT SELECT ON TABLE tracking_ledger.enhancements TO tracking_ledger_writer;
GRANT SELECT ON TABLE tracking_ledger.entries TO tracking_ledger_writer;
GRANT SELECT ON TABLE tracking_ledger.ledger_members TO tracking_ledger_writer;
GRANT SELECT ON TABLE tracking_ledger.migrations TO tracking_ledger_writer;
GRANT SELECT ON TABLE tracking_ledger.projections TO tracking_ledger_writer;
GRANT SELECT ON TABLE tracking_ledger.vendors TO tracking_ledger_writer;
GRANT SELECT ON TABLE tracking_ledger.work_items TO tracking_ledger_writer;
GRANT SELECT ON TABLE tracking_ledger.things TO tracking_ledger_writer;

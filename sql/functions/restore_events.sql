-- Records events exactly as they stood in this ledger's log before: the way back from a copy of it. For the owner only.
--
-- Each is proved by its position and its digest (TL010 names the first that does not follow); read models are behind
-- from here on. `p_origin` becomes the ledger's origin while its log is empty. Answers the log's last position.
CREATE OR REPLACE FUNCTION tracking_ledger.restore_events(p_ledger uuid, p_origin uuid, p_events json) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = tracking_ledger, pg_temp AS $$
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

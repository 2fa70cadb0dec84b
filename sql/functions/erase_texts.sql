-- Does what a TextsErased says, in the statement that records it: the log never holds both the event and the texts.
--
-- What was decided before it is decided again (see append_events), and every read model is behind from its beginning on.
-- TL010 names the first payload that does not stand there afterwards.
CREATE OR REPLACE FUNCTION tracking_ledger.erase_texts(p_event tracking_ledger.events) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = tracking_ledger, pg_temp AS $$
DECLARE
    v_wrong bigint;
BEGIN
    UPDATE events e SET data = said.data::json
    FROM json_to_recordset(p_event.data -> 'payloads') AS said (position bigint, data text)
    WHERE e.ledger_id = p_event.ledger_id AND e.position = said.position AND e.position < p_event.position
      AND e.data::text <> said.data;
    SELECT min(said.position) INTO v_wrong
    FROM json_to_recordset(p_event.data -> 'payloads') AS said (position bigint, data text)
    LEFT JOIN events e ON e.ledger_id = p_event.ledger_id AND e.position = said.position AND e.position < p_event.position
    WHERE e.data::text IS DISTINCT FROM said.data;
    IF v_wrong IS NOT NULL THEN
        RAISE EXCEPTION 'the erasure at % does not follow: it names position %', p_event.position, v_wrong USING ERRCODE = 'TL010',
            DETAIL = json_build_object('position', p_event.position, 'expected', v_wrong);
    END IF;
    UPDATE ledgers l SET erased = p_event.position WHERE l.ledger_id = p_event.ledger_id AND l.erased < p_event.position;
    UPDATE projections p SET behind_after = 0 WHERE p.ledger_id = p_event.ledger_id;
END
$$;

-- Does what a TextsErased says, in the statement that records it: the log never holds both the event and the texts.
--
-- What was decided before it is decided again (see append_events), and every read model is behind from its beginning on.
-- TL010 names the first payload that does not stand there afterwards.
CREATE OR REPLACE FUNCTION tracking_ledger.erase_texts() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = tracking_ledger, pg_temp AS $$
DECLARE
    v_wrong bigint;
BEGIN
    UPDATE events e SET data = said.data::json
    FROM json_to_recordset(NEW.data -> 'payloads') AS said (position bigint, data text)
    WHERE e.ledger_id = NEW.ledger_id AND e.position = said.position AND e.position < NEW.position AND e.data::text <> said.data;
    SELECT min(said.position) INTO v_wrong
    FROM json_to_recordset(NEW.data -> 'payloads') AS said (position bigint, data text)
    LEFT JOIN events e ON e.ledger_id = NEW.ledger_id AND e.position = said.position AND e.position < NEW.position
    WHERE e.data::text IS DISTINCT FROM said.data;
    IF v_wrong IS NOT NULL THEN
        RAISE EXCEPTION 'the erasure at % does not follow: it names position %', NEW.position, v_wrong USING ERRCODE = 'TL010',
            DETAIL = json_build_object('position', NEW.position, 'expected', v_wrong);
    END IF;
    UPDATE ledgers l SET erased = NEW.position WHERE l.ledger_id = NEW.ledger_id AND l.erased < NEW.position;
    UPDATE projections p SET behind_after = 0 WHERE p.ledger_id = NEW.ledger_id;
    RETURN NULL;
END
$$;

-- A new unfinished item holds its parent up.
CREATE OR REPLACE FUNCTION tracking_ledger.hold_parent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.parent_id IS NOT NULL AND NEW.category NOT IN ('done', 'dropped') AND NEW.hidden IN (0, 2)
       AND current_setting('ledger.filling', true) IS DISTINCT FROM NEW.generation::text THEN
        PERFORM tracking_ledger.hold_up(NEW.ledger_id, NEW.generation, NEW.parent_id, 2);
    END IF;
    RETURN NULL;
END
$$;

-- A link that came or went may hold up the item that it blocks, or free it.
CREATE OR REPLACE FUNCTION tracking_ledger.hold_target() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.relation = 'blocks' AND current_setting('ledger.filling', true) IS DISTINCT FROM OLD.generation::text THEN
            PERFORM tracking_ledger.mark_held(OLD.ledger_id, OLD.generation, OLD.target);
        END IF;
    ELSIF NEW.relation = 'blocks' AND current_setting('ledger.filling', true) IS DISTINCT FROM NEW.generation::text THEN
        PERFORM tracking_ledger.mark_target(NEW.ledger_id, NEW.generation, NEW.id, NEW.target);
    END IF;
    RETURN NULL;
END
$$;

-- A link that came or went may hold up the item that it blocks, or free it.
CREATE OR REPLACE FUNCTION tracking_ledger.hold_target() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM tracking_ledger.mark_held(NEW.ledger_id, NEW.generation, NEW.target);
    ELSE
        PERFORM tracking_ledger.mark_held(OLD.ledger_id, OLD.generation, OLD.target);
    END IF;
    RETURN NULL;
END
$$;

-- An item that was finished, deleted, brought back or moved holds up others than before: its parent and those that it blocks.
CREATE OR REPLACE FUNCTION tracking_ledger.hold_others() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_holds boolean := coalesce(NEW.category NOT IN ('done', 'dropped') AND NEW.hidden IN (0, 2), false);
BEGIN
    IF OLD.parent_id IS DISTINCT FROM NEW.parent_id
       OR (OLD.category NOT IN ('done', 'dropped') AND OLD.hidden IN (0, 2)) IS DISTINCT FROM v_holds THEN
        PERFORM tracking_ledger.mark_others(NEW.ledger_id, NEW.generation, NEW.id, v_holds, OLD.parent_id, NEW.parent_id);
    END IF;
    RETURN NULL;
END
$$;

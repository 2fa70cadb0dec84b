-- An item that was finished, deleted, brought back or moved holds up others than before: its parent and those that it blocks.
CREATE OR REPLACE FUNCTION tracking_ledger.hold_others() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.parent_id IS DISTINCT FROM NEW.parent_id
       OR (OLD.category NOT IN ('done', 'dropped') AND OLD.hidden IN (0, 2))
          IS DISTINCT FROM (NEW.category NOT IN ('done', 'dropped') AND NEW.hidden IN (0, 2)) THEN
        PERFORM tracking_ledger.mark_others(NEW.ledger_id, NEW.generation, NEW.id, OLD.parent_id, NEW.parent_id);
    END IF;
    RETURN NULL;
END
$$;

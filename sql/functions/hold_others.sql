-- An item that was finished, deleted, brought back or moved holds up others than before: its parent and those that it blocks.
CREATE OR REPLACE FUNCTION tracking_ledger.hold_others() RETURNS trigger
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_sort = off SET jit = off AS $$
DECLARE
    v_id text;
BEGIN
    FOR v_id IN SELECT link.target FROM tracking_ledger.entries link
                WHERE link.ledger_id = NEW.ledger_id AND link.generation = NEW.generation AND link.relation = 'blocks'
                  AND link.id BETWEEN NEW.id AND NEW.id
                ORDER BY link.id LOOP
        PERFORM tracking_ledger.mark_held(NEW.ledger_id, NEW.generation, v_id);
    END LOOP;
    IF OLD.parent_id IS NOT NULL THEN
        PERFORM tracking_ledger.mark_held(OLD.ledger_id, OLD.generation, OLD.parent_id);
    END IF;
    IF NEW.parent_id <> OLD.parent_id OR OLD.parent_id IS NULL AND NEW.parent_id IS NOT NULL THEN
        PERFORM tracking_ledger.mark_held(NEW.ledger_id, NEW.generation, NEW.parent_id);
    END IF;
    RETURN NULL;
END
$$;

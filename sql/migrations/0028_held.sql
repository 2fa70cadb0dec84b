-- Of a work item whether others hold it up: 1 an unfinished living item blocks it, 2 it has an unfinished living child, 3 both.
-- What is held is not ready, so a list of what is ready need not walk past it. The rows get it with the replay that the new
-- shape asks for, and triggers keep it, whatever writes rows or entries but for what fills a generation or removes it: see the
-- functions mark_held, mark_generation and hold_*.
ALTER TABLE tracking_ledger.work_items ADD COLUMN held int NOT NULL DEFAULT 0;

DROP INDEX tracking_ledger.work_items_open;
CREATE INDEX work_items_open ON tracking_ledger.work_items (ledger_id, generation, rank, id)
    WHERE category IN ('planned', 'active') AND hidden = 0 AND held = 0;

CREATE FUNCTION tracking_ledger.hold_parent() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE FUNCTION tracking_ledger.hold_others() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE FUNCTION tracking_ledger.hold_target() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;

CREATE TRIGGER parent_is_held AFTER INSERT ON tracking_ledger.work_items FOR EACH ROW
    WHEN (NEW.parent_id IS NOT NULL AND NEW.category NOT IN ('done', 'dropped') AND NEW.hidden IN (0, 2)
          AND current_setting('ledger.filling', true) IS DISTINCT FROM NEW.generation::text)
    EXECUTE FUNCTION tracking_ledger.hold_parent();
CREATE TRIGGER others_are_held AFTER UPDATE OF category, hidden, parent_id ON tracking_ledger.work_items FOR EACH ROW
    WHEN (OLD.parent_id IS DISTINCT FROM NEW.parent_id
          OR (OLD.category NOT IN ('done', 'dropped') AND OLD.hidden IN (0, 2))
             IS DISTINCT FROM (NEW.category NOT IN ('done', 'dropped') AND NEW.hidden IN (0, 2)))
    EXECUTE FUNCTION tracking_ledger.hold_others();
CREATE TRIGGER target_is_held AFTER INSERT ON tracking_ledger.entries FOR EACH ROW
    WHEN (NEW.relation = 'blocks' AND current_setting('ledger.filling', true) IS DISTINCT FROM NEW.generation::text)
    EXECUTE FUNCTION tracking_ledger.hold_target();
CREATE TRIGGER target_is_free AFTER DELETE ON tracking_ledger.entries FOR EACH ROW
    WHEN (OLD.relation = 'blocks' AND current_setting('ledger.filling', true) IS DISTINCT FROM OLD.generation::text)
    EXECUTE FUNCTION tracking_ledger.hold_target();
-- whatever a role or a database sets as session_replication_role
ALTER TABLE tracking_ledger.work_items ENABLE ALWAYS TRIGGER parent_is_held;
ALTER TABLE tracking_ledger.work_items ENABLE ALWAYS TRIGGER others_are_held;
ALTER TABLE tracking_ledger.entries ENABLE ALWAYS TRIGGER target_is_held;
ALTER TABLE tracking_ledger.entries ENABLE ALWAYS TRIGGER target_is_free;

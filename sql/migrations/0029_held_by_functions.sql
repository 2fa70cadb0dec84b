-- What a trigger looks at is said in its function: PostgreSQL reads and plans a WHEN anew for each statement, which was an
-- eighth of an update's work.
DROP TRIGGER parent_is_held ON tracking_ledger.work_items;
DROP TRIGGER others_are_held ON tracking_ledger.work_items;
DROP TRIGGER target_is_held ON tracking_ledger.entries;
DROP TRIGGER target_is_free ON tracking_ledger.entries;

CREATE TRIGGER parent_is_held AFTER INSERT ON tracking_ledger.work_items
    FOR EACH ROW EXECUTE FUNCTION tracking_ledger.hold_parent();
CREATE TRIGGER others_are_held AFTER UPDATE OF category, hidden, parent_id ON tracking_ledger.work_items
    FOR EACH ROW EXECUTE FUNCTION tracking_ledger.hold_others();
CREATE TRIGGER target_is_held AFTER INSERT OR DELETE ON tracking_ledger.entries
    FOR EACH ROW EXECUTE FUNCTION tracking_ledger.hold_target();
-- whatever a role or a database sets as session_replication_role
ALTER TABLE tracking_ledger.work_items ENABLE ALWAYS TRIGGER parent_is_held;
ALTER TABLE tracking_ledger.work_items ENABLE ALWAYS TRIGGER others_are_held;
ALTER TABLE tracking_ledger.entries ENABLE ALWAYS TRIGGER target_is_held;

-- States of a ledger's own: what questions look at is the category. The rows get it with the replay that the new shape asks for.
ALTER TABLE tracking_ledger.work_items
    ADD COLUMN category text COLLATE "C",
    ADD COLUMN assignee text COLLATE "C";

DROP INDEX tracking_ledger.work_items_open;
CREATE INDEX work_items_open ON tracking_ledger.work_items (ledger_id, generation, rank, id)
    WHERE category IN ('planned', 'active') AND hidden = 0;
DROP INDEX tracking_ledger.work_items_counted;
CREATE INDEX work_items_counted ON tracking_ledger.work_items
    (ledger_id, generation, hidden, status, category, item_type, priority, position, parent_id);

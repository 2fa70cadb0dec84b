-- Whom a work item waits for. The rows get it with the replay that the new shape asks for.
ALTER TABLE tracking_ledger.work_items ADD COLUMN waits_for text COLLATE "C";

CREATE INDEX work_items_waiting ON tracking_ledger.work_items (ledger_id, generation, waits_for, id) WHERE waits_for IS NOT NULL;

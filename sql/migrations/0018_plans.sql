-- When work is due and may begin, which milestone it belongs to, what it was thought to take and what went into it.
ALTER TABLE tracking_ledger.work_items
    ADD COLUMN due_by         text COLLATE "C",
    ADD COLUMN starts_at      text COLLATE "C",
    ADD COLUMN milestone_id   text COLLATE "C",
    ADD COLUMN estimate       int,
    ADD COLUMN effort_minutes bigint,
    ADD COLUMN effort_tokens  bigint,
    ADD COLUMN effort_cost    bigint;

DROP FUNCTION IF EXISTS tracking_ledger.columns_of_work_items(jsonb);  -- it answers more columns now: made anew

CREATE INDEX work_items_by_due ON tracking_ledger.work_items (ledger_id, generation, due_by, id);
CREATE INDEX work_items_of_milestone ON tracking_ledger.work_items (ledger_id, generation, milestone_id, category)
    WHERE milestone_id IS NOT NULL;
CREATE INDEX work_items_deferred ON tracking_ledger.work_items (ledger_id, generation, starts_at, id)
    WHERE starts_at IS NOT NULL;

-- Of this index each write of an item pays for every column and every part of the condition, which a statement reads anew.
DROP INDEX tracking_ledger.work_items_resting;
CREATE INDEX work_items_resting ON tracking_ledger.work_items (ledger_id, generation, id)
    WHERE held & 1 = 1 OR category IN ('waiting', 'dropped') OR category = 'review' OR waits_for IS NOT NULL
       OR starts_at IS NOT NULL;

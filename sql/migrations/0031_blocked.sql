-- What keeps items from being begun, or what is below them, so that a list of what is blocked begins there. Few items are in it,
-- and it has all that the question looks at.
CREATE INDEX work_items_resting ON tracking_ledger.work_items
    (ledger_id, generation, id, held, category, status, waits_for, starts_at)
    WHERE held & 1 = 1 OR category IN ('waiting', 'dropped') OR category = 'review' OR status = 'blocked' OR waits_for IS NOT NULL
       OR starts_at IS NOT NULL;

-- What an assignee has in hand, and the projects: a conversation begins with both.
CREATE INDEX work_items_in_hand ON tracking_ledger.work_items (ledger_id, generation, assignee, rank, id)
    WHERE assignee IS NOT NULL AND category NOT IN ('done', 'dropped');
CREATE INDEX work_items_projects ON tracking_ledger.work_items (ledger_id, generation, created_at, id)
    WHERE item_type = 'project';

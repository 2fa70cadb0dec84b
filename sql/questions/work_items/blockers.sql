-- The unfinished, living items that block some items themselves. Answered by the primary keys of entries and work_items,
-- whatever the planner knows of the tables: each look asks for a range in the order of its index.
SELECT asked.id AS asked, blocker.id, blocker.title, blocker.status, blocker.category, blocker.item_type, blocker.parent_id,
       blocker.hidden, 0 AS depth
FROM (SELECT unnest(CAST(%(ids)s AS text[])) COLLATE "C" AS id) asked
CROSS JOIN LATERAL (
    SELECT id FROM entries
    WHERE ledger_id = %(ledger)s AND generation = %(work_items)s AND relation = 'blocks'
      AND target >= asked.id AND target <= asked.id
    ORDER BY target, id OFFSET 0
) link
CROSS JOIN LATERAL (
    SELECT id, title, status, category, item_type, parent_id, hidden FROM work_items
    WHERE ledger_id = %(ledger)s AND generation = %(work_items)s AND id >= link.id AND id <= link.id
    ORDER BY id OFFSET 0
) blocker
WHERE blocker.category NOT IN ('done', 'dropped') AND blocker.hidden IN (0, 2)
ORDER BY asked.id, blocker.id

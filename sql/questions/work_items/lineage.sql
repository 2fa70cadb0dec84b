-- Some items, each with its ancestors: itself first, the root last. Answered by the primary key, whatever the planner knows
-- of the table: each look asks for a range in the order of its index.
WITH RECURSIVE lineage AS (
    SELECT asked.id AS asked, item.*, 0 AS depth
    FROM (SELECT unnest(CAST(%(ids)s AS text[])) COLLATE "C" AS id) asked
    CROSS JOIN LATERAL (
        SELECT id, title, status, category, item_type, parent_id, hidden FROM work_items
        WHERE ledger_id = %(ledger)s AND generation = %(work_items)s
          AND id >= asked.id AND id <= asked.id
        ORDER BY id OFFSET 0
    ) item
    UNION ALL
    SELECT lineage.asked, parent.*, lineage.depth + 1
    FROM lineage
    CROSS JOIN LATERAL (
        SELECT id, title, status, category, item_type, parent_id, hidden FROM work_items
        WHERE ledger_id = %(ledger)s AND generation = %(work_items)s
          AND id >= lineage.parent_id AND id <= lineage.parent_id
        ORDER BY id OFFSET 0
    ) parent
    WHERE lineage.depth < %(max_depth)s
)
SELECT asked, id, title, status, category, item_type, parent_id, hidden, depth FROM lineage ORDER BY asked, depth

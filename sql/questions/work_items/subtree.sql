-- Some items, each with its descendants down to a depth, parents before children. Answered by the primary key and
-- work_items_children, whatever the planner knows of the table: each look asks for a range in the order of its index.
WITH RECURSIVE subtree AS (
    SELECT asked.id AS asked, item.*, 0 AS depth
    FROM (SELECT unnest(CAST(%(ids)s AS text[])) COLLATE "C" AS id) asked
    CROSS JOIN LATERAL (
        SELECT id, title, status, category, item_type, parent_id, hidden FROM work_items
        WHERE ledger_id = %(ledger)s AND generation = %(work_items)s
          AND id >= asked.id AND id <= asked.id
        ORDER BY id OFFSET 0
    ) item
    UNION ALL
    SELECT subtree.asked, child.*, subtree.depth + 1
    FROM subtree
    CROSS JOIN LATERAL (
        SELECT id, title, status, category, item_type, parent_id, hidden FROM work_items
        WHERE ledger_id = %(ledger)s AND generation = %(work_items)s
          AND parent_id >= subtree.id AND parent_id <= subtree.id
        ORDER BY parent_id, id OFFSET 0
    ) child
    WHERE subtree.depth < %(max_depth)s
)
SELECT asked, id, title, status, category, item_type, parent_id, hidden, depth FROM subtree ORDER BY asked, depth, id

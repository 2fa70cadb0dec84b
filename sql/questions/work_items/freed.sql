-- The items that a change of some items could make ready, most urgent first: these and what each blocks, all that is
-- below, and the parents of these. Answered by the primary keys, entries_from and work_items_children, whatever the planner
-- knows of the tables: each look asks for a range in the order of its index.
WITH RECURSIVE asked (id) AS (SELECT unnest(CAST(%(ids)s AS text[])) COLLATE "C"),
waiting (id) AS (
    SELECT asked.id FROM asked
    UNION
    SELECT link.target FROM asked
    CROSS JOIN LATERAL (
        SELECT target FROM entries
        WHERE ledger_id = %(ledger)s AND generation = %(work_items)s AND id >= asked.id AND id <= asked.id AND relation = 'blocks'
        ORDER BY id, target OFFSET 0
    ) link
    UNION
    SELECT child.id FROM waiting
    CROSS JOIN LATERAL (
        SELECT id FROM work_items
        WHERE ledger_id = %(ledger)s AND generation = %(work_items)s AND parent_id >= waiting.id AND parent_id <= waiting.id
        ORDER BY parent_id, id OFFSET 0
    ) child
),
concerned (id) AS (
    SELECT waiting.id FROM waiting
    UNION
    SELECT own.parent_id FROM asked
    CROSS JOIN LATERAL (
        SELECT parent_id FROM work_items
        WHERE ledger_id = %(ledger)s AND generation = %(work_items)s AND id >= asked.id AND id <= asked.id
        ORDER BY id OFFSET 0
    ) own
    WHERE own.parent_id IS NOT NULL
)
SELECT item.id, item.rank AS key FROM concerned
CROSS JOIN LATERAL (
    SELECT id, rank, category, hidden FROM work_items
    WHERE ledger_id = %(ledger)s AND generation = %(work_items)s AND id >= concerned.id AND id <= concerned.id
    ORDER BY id OFFSET 0
) item
WHERE item.category IN ('planned', 'active') AND item.hidden = 0 OR item.id IN (SELECT asked.id FROM asked)
ORDER BY item.rank, item.id
LIMIT %(limit)s

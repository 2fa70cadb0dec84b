-- An item and its ancestors, itself first, the root last. Answered by the primary key.
WITH RECURSIVE lineage AS (
    SELECT id, title, status, category, item_type, parent_id, hidden, 0 AS depth FROM work_items
    WHERE ledger_id = %(ledger)s AND generation = %(work_items)s AND id = %(id)s
    UNION ALL
    SELECT parent.id, parent.title, parent.status, parent.category, parent.item_type, parent.parent_id, parent.hidden, lineage.depth + 1
    FROM lineage JOIN work_items parent
        ON parent.ledger_id = %(ledger)s AND parent.generation = %(work_items)s AND parent.id = lineage.parent_id
    WHERE lineage.depth < %(max_depth)s
)
SELECT id, title, status, category, item_type, parent_id, hidden, depth FROM lineage ORDER BY depth

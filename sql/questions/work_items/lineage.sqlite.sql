-- Some items, each with its ancestors: itself first, the root last. Answered by the primary key.
WITH RECURSIVE lineage AS (
    SELECT asked.value AS asked, item.id, item.title, item.status, item.category, item.item_type, item.parent_id, item.hidden, 0 AS depth
    FROM json_each(%(ids)s) asked
    CROSS JOIN work_items item ON item.ledger_id = %(ledger)s AND item.generation = %(work_items)s AND item.id = asked.value
    UNION ALL
    SELECT lineage.asked, parent.id, parent.title, parent.status, parent.category, parent.item_type, parent.parent_id, parent.hidden,
           lineage.depth + 1
    FROM lineage
    CROSS JOIN work_items parent
        ON parent.ledger_id = %(ledger)s AND parent.generation = %(work_items)s AND parent.id = lineage.parent_id
    WHERE lineage.depth < %(max_depth)s
)
SELECT asked, id, title, status, category, item_type, parent_id, hidden, depth FROM lineage ORDER BY asked, depth

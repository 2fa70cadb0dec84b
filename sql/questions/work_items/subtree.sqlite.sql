-- Some items, each with its descendants down to a depth, parents before children. Answered by work_items_children.
WITH RECURSIVE subtree AS (
    SELECT asked.value AS asked, item.id, item.title, item.status, item.category, item.item_type, item.parent_id, item.hidden, 0 AS depth
    FROM json_each(%(ids)s) asked
    CROSS JOIN work_items item ON item.ledger_id = %(ledger)s AND item.generation = %(work_items)s AND item.id = asked.value
    UNION ALL
    SELECT subtree.asked, child.id, child.title, child.status, child.category, child.item_type, child.parent_id, child.hidden,
           subtree.depth + 1
    FROM subtree
    CROSS JOIN work_items child INDEXED BY work_items_children
        ON child.ledger_id = %(ledger)s AND child.generation = %(work_items)s AND child.parent_id = subtree.id
    WHERE subtree.depth < %(max_depth)s
)
SELECT asked, id, title, status, category, item_type, parent_id, hidden, depth FROM subtree ORDER BY asked, depth, id

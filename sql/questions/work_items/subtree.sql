-- An item and its descendants down to a depth, parents before children. Answered by work_items_children.
WITH RECURSIVE subtree AS (
    SELECT id, title, status, category, item_type, parent_id, hidden, 0 AS depth FROM work_items
    WHERE ledger_id = %(ledger)s AND generation = %(work_items)s AND id = %(id)s
    UNION ALL
    SELECT child.id, child.title, child.status, child.category, child.item_type, child.parent_id, child.hidden, subtree.depth + 1
    FROM subtree JOIN work_items child
        ON child.ledger_id = %(ledger)s AND child.generation = %(work_items)s AND child.parent_id = subtree.id
    WHERE subtree.depth < %(max_depth)s
)
SELECT id, title, status, category, item_type, parent_id, hidden, depth FROM subtree ORDER BY depth, id

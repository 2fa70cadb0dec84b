-- What went into an item and all that is below it, and what that was thought to take; deleted items left out. Answered by
-- work_items_children.
WITH RECURSIVE subtree (id, depth) AS (
    SELECT item.id, 0 FROM work_items item
    WHERE item.ledger_id = %(ledger)s AND item.generation = %(work_items)s AND item.id = %(id)s
    UNION
    SELECT child.id, subtree.depth + 1 FROM subtree
    JOIN work_items child ON child.ledger_id = %(ledger)s AND child.generation = %(work_items)s AND child.parent_id = subtree.id
    WHERE subtree.depth < %(max_depth)s
)
SELECT count(*) AS items, CAST(coalesce(sum(item.estimate), 0) AS bigint) AS estimate,
       CAST(coalesce(sum(item.effort_minutes), 0) AS bigint) AS minutes,
       CAST(coalesce(sum(item.effort_tokens), 0) AS bigint) AS tokens,
       CAST(coalesce(sum(item.effort_cost), 0) AS bigint) AS cost_micros
FROM (SELECT DISTINCT id FROM subtree) below
JOIN work_items item ON item.ledger_id = %(ledger)s AND item.generation = %(work_items)s AND item.id = below.id
WHERE item.hidden IN (0, 2)

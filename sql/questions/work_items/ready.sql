-- The items somebody can begin with, most important first; the one place of the rule: active and not hidden, no unfinished
-- living child, no unfinished living blocker of it or of one of its ancestors. Answered by work_items_counted,
-- work_items_children and the primary key of entries.
WITH RECURSIVE held (id) AS (
    SELECT link.target FROM entries link
    JOIN work_items blocker
        ON blocker.ledger_id = %(ledger)s AND blocker.generation = %(work_items)s AND blocker.id = link.id
    WHERE link.ledger_id = %(ledger)s AND link.generation = %(work_items)s AND link.relation = 'blocks'
      AND blocker.status IN ('active', 'blocked') AND blocker.hidden IN (0, 2)
    UNION
    SELECT child.id FROM held JOIN work_items child
        ON child.ledger_id = %(ledger)s AND child.generation = %(work_items)s AND child.parent_id = held.id
),
ready AS (
    SELECT item.id, item.rank FROM work_items item
    WHERE item.ledger_id = %(ledger)s AND item.generation = %(work_items)s AND item.hidden = 0 AND item.status = 'active'
      AND NOT EXISTS (SELECT 1 FROM held WHERE held.id = item.id)
      AND NOT EXISTS (SELECT 1 FROM work_items child
          WHERE child.ledger_id = %(ledger)s AND child.generation = %(work_items)s AND child.parent_id = item.id
            AND child.status IN ('active', 'blocked') AND child.hidden IN (0, 2))
      AND (CAST(%(item_type)s AS text) IS NULL OR item.item_type = %(item_type)s)
)
SELECT item.id, item.version, item.position, item.doc, item.rank AS key, (SELECT count(*) FROM ready) AS total
FROM ready
JOIN work_items item ON item.ledger_id = %(ledger)s AND item.generation = %(work_items)s AND item.id = ready.id
WHERE CAST(%(after_key)s AS text) IS NULL OR (ready.rank, ready.id) > (%(after_key)s, %(after_id)s)
ORDER BY ready.rank, ready.id
LIMIT %(limit)s OFFSET %(offset)s

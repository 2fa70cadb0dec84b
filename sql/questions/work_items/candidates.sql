-- Items that may be ready, most urgent first, then oldest first; which of them are is told by obstacles.sql, so that
-- this is only a walk along an index. Answered by work_items_open.
WITH RECURSIVE below (id) AS (
    SELECT child.id FROM work_items child
    WHERE child.ledger_id = %(ledger)s AND child.generation = %(work_items)s AND child.parent_id = %(parent_id)s
    UNION
    SELECT child.id FROM below
    JOIN work_items child ON child.ledger_id = %(ledger)s AND child.generation = %(work_items)s AND child.parent_id = below.id
)
SELECT item.id, item.rank AS key FROM work_items item
WHERE item.ledger_id = %(ledger)s AND item.generation = %(work_items)s AND item.category IN ('planned', 'active') AND item.hidden = 0
  AND (CAST(%(item_type)s AS text) IS NULL OR item.item_type = %(item_type)s)
  AND (CAST(%(assignee)s AS text) IS NULL OR item.assignee = %(assignee)s)
  AND (CAST(%(parent_id)s AS text) IS NULL OR item.id IN (SELECT below.id FROM below))
  AND (CAST(%(tag)s AS text) IS NULL OR item.id IN (
      SELECT entry.id FROM entries entry
      WHERE entry.ledger_id = %(ledger)s AND entry.generation = %(work_items)s
        AND entry.relation = 'tag' AND entry.target = %(tag)s))
  AND (CAST(%(after_key)s AS text) IS NULL OR (item.rank, item.id) > (%(after_key)s, %(after_id)s))
ORDER BY item.rank, item.id
LIMIT %(limit)s

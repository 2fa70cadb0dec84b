-- The open items that an item's end could make ready, most important first: its parent, whatever it blocks, and all that
-- is below those. Answered by the primary keys, entries_from and work_items_children.
WITH RECURSIVE waiting (id) AS (
    SELECT link.target FROM entries link
    WHERE link.ledger_id = %(ledger)s AND link.generation = %(work_items)s AND link.id = %(id)s AND link.relation = 'blocks'
    UNION
    SELECT child.id FROM waiting
    JOIN work_items child ON child.ledger_id = %(ledger)s AND child.generation = %(work_items)s AND child.parent_id = waiting.id
)
SELECT item.id, item.rank AS key FROM work_items item
WHERE item.ledger_id = %(ledger)s AND item.generation = %(work_items)s AND item.category IN ('planned', 'active') AND item.hidden = 0
  AND item.id IN (
      SELECT waiting.id FROM waiting
      UNION ALL
      SELECT own.parent_id FROM work_items own
      WHERE own.ledger_id = %(ledger)s AND own.generation = %(work_items)s AND own.id = %(id)s AND own.parent_id IS NOT NULL)
ORDER BY item.rank, item.id
LIMIT %(limit)s

-- The items that a change of some items could make ready; the twin of freed.sql.
WITH RECURSIVE asked (id) AS (SELECT value FROM json_each(%(ids)s)),
waiting (id) AS (
    SELECT asked.id FROM asked
    UNION
    SELECT link.target FROM asked
    JOIN entries link ON link.ledger_id = %(ledger)s AND link.generation = %(work_items)s
        AND link.id = asked.id AND link.relation = 'blocks'
    UNION
    SELECT child.id FROM waiting
    JOIN work_items child INDEXED BY work_items_children
        ON child.ledger_id = %(ledger)s AND child.generation = %(work_items)s AND child.parent_id = waiting.id
)
SELECT item.id, item.rank AS key FROM work_items item
WHERE item.ledger_id = %(ledger)s AND item.generation = %(work_items)s
  AND (item.category IN ('planned', 'active') AND item.hidden = 0 OR item.id IN (SELECT asked.id FROM asked))
  AND item.id IN (
      SELECT waiting.id FROM waiting
      UNION ALL
      SELECT own.parent_id FROM asked
      JOIN work_items own ON own.ledger_id = %(ledger)s AND own.generation = %(work_items)s AND own.id = asked.id
      WHERE own.parent_id IS NOT NULL)
ORDER BY item.rank, item.id
LIMIT %(limit)s

-- Items not archived that are completed or deleted, with all that is below them, and unchanged since a moment; parents
-- before their children is not promised. Reads every item once: it is asked once a day. Answered by work_items_by_update.
WITH RECURSIVE kept (id) AS (
    SELECT item.id FROM work_items item
    WHERE item.ledger_id = %(ledger)s AND item.generation = %(work_items)s
      AND (item.hidden = 0 AND item.category NOT IN ('done', 'dropped') OR item.hidden IN (0, 1) AND item.updated_at > %(before)s)
    UNION
    SELECT item.parent_id FROM kept
    JOIN work_items item ON item.ledger_id = %(ledger)s AND item.generation = %(work_items)s AND item.id = kept.id
    WHERE item.parent_id IS NOT NULL
)
SELECT item.id FROM work_items item
WHERE item.ledger_id = %(ledger)s AND item.generation = %(work_items)s AND item.hidden IN (0, 1)
  AND NOT EXISTS (SELECT 1 FROM kept WHERE kept.id = item.id)
ORDER BY item.id

-- The most urgent unfinished items, as much of each as says what matters first. Answered by work_items_by_priority.
SELECT item.id, item.parent_id, item.category, item.priority, item.created_at FROM work_items item
WHERE item.ledger_id = %(ledger)s AND item.generation = %(work_items)s AND item.hidden = 0
  AND item.category NOT IN ('done', 'dropped')
ORDER BY item.rank, item.id
LIMIT %(limit)s

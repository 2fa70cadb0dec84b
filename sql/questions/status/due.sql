-- Unfinished items that are due from one moment on and before another, the earliest first. Answered by work_items_by_due.
SELECT item.id, item.version, item.position, item.doc FROM work_items item
WHERE item.ledger_id = %(ledger)s AND item.generation = %(work_items)s AND item.hidden = 0
  AND item.due_by >= %(due_from)s AND item.due_by < %(due_before)s AND item.category NOT IN ('done', 'dropped')
ORDER BY item.due_by, item.id
LIMIT %(limit)s

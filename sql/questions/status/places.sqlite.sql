-- Some items as `urgent` has them, hidden ones left out. Answered by the primary key of work_items.
SELECT item.id, item.parent_id, item.category, item.priority, item.created_at FROM work_items item
WHERE item.ledger_id = %(ledger)s AND item.generation = %(work_items)s AND item.hidden = 0
  AND item.id IN (SELECT value FROM json_each(%(ids)s))
ORDER BY item.id

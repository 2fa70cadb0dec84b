-- Every living item that has a parent. Answered by work_items_children.
SELECT item.id, item.parent_id FROM work_items item
WHERE item.ledger_id = %(ledger)s AND item.generation = %(work_items)s
  AND item.parent_id IS NOT NULL AND item.hidden IN (0, 2)
ORDER BY item.id

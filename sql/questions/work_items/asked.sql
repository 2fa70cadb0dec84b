-- The items that wait for a person or a role. Answered by work_items_waiting.
SELECT item.id, item.version, item.position, item.doc FROM work_items item
WHERE item.ledger_id = %(ledger)s AND item.generation = %(work_items)s AND item.waits_for IS NOT NULL AND item.hidden = 0
ORDER BY item.waits_for, item.id
LIMIT %(limit)s

-- How many items there are of each type, status and priority, deleted ones left out. Answered by work_items_counted.
SELECT item.item_type, item.status, item.category, item.priority, item.hidden, count(*) AS items FROM work_items item
WHERE item.ledger_id = %(ledger)s AND item.generation = %(work_items)s AND item.hidden IN (0, 2)
GROUP BY item.item_type, item.status, item.category, item.priority, item.hidden

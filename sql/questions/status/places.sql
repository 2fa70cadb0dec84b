-- Some items as `urgent` has them, hidden ones left out. Answered by the primary key of work_items, one by one also in a
-- young table.
SELECT item.id, item.parent_id, item.category, item.priority, item.created_at
FROM (SELECT DISTINCT unnest(CAST(%(ids)s AS text[])) AS id) asked
CROSS JOIN LATERAL (
    SELECT * FROM work_items own
    WHERE own.ledger_id = %(ledger)s AND own.generation = %(work_items)s AND own.id = asked.id LIMIT 1) item
WHERE item.hidden = 0
ORDER BY item.id

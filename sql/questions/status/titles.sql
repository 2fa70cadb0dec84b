-- Some items as a report names them, hidden ones left out. Answered by the primary key of work_items, one by one also in a
-- young table.
SELECT item.id, item.version, item.title, item.item_type, item.status, item.category, item.priority, item.parent_id, item.created_at,
       item.updated_at, item.doc ->> 'branch_name' AS branch_name, item.assignee,
       item.doc ->> 'block_reason' AS block_reason, CAST(item.doc ->> 'comment_count' AS int) AS comment_count,
       CAST(item.doc ->> 'attachment_count' AS int) AS attachment_count, item.claimed_by, item.claimed_until
FROM (SELECT DISTINCT unnest(CAST(%(ids)s AS text[])) AS id) asked
CROSS JOIN LATERAL (
    SELECT * FROM work_items own
    WHERE own.ledger_id = %(ledger)s AND own.generation = %(work_items)s AND own.id = asked.id LIMIT 1) item
WHERE item.hidden = 0
ORDER BY item.id

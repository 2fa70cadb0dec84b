-- Some items as a report names them, hidden ones left out. Answered by the primary key of work_items.
SELECT item.id, item.version, item.title, item.item_type, item.status, item.category, item.priority, item.parent_id, item.created_at,
       item.updated_at, item.doc ->> 'branch_name' AS branch_name, item.assignee,
       item.doc ->> 'block_reason' AS block_reason, CAST(item.doc ->> 'comment_count' AS int) AS comment_count,
       CAST(item.doc ->> 'attachment_count' AS int) AS attachment_count, item.claimed_by, item.claimed_until
FROM work_items item
WHERE item.ledger_id = %(ledger)s AND item.generation = %(work_items)s
  AND item.hidden = 0 AND item.id IN (SELECT value FROM json_each(%(ids)s))
ORDER BY item.id

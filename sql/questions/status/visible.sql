-- The items that the report shows, unfinished ones first, most urgent first. Answered by work_items_by_priority.
SELECT item.id, item.version, item.title, item.item_type, item.status, item.category, item.priority, item.parent_id, item.created_at,
       item.updated_at, item.doc ->> 'branch_name' AS branch_name, item.assignee,
       item.doc ->> 'block_reason' AS block_reason, CAST(item.doc ->> 'comment_count' AS int) AS comment_count,
       CAST(item.doc ->> 'attachment_count' AS int) AS attachment_count, item.claimed_by, item.claimed_until
FROM work_items item
WHERE item.ledger_id = %(ledger)s AND item.generation = %(work_items)s AND item.hidden = 0
  AND (item.category IN ('done', 'dropped')) = (%(finished)s = 1)
ORDER BY item.rank, item.id
LIMIT %(limit)s

-- Items without a parent, the oldest first, from one of them on. Answered by work_items_by_creation.
SELECT root.id, root.created_at AS key FROM work_items root
WHERE root.ledger_id = %(ledger)s AND root.generation = %(work_items)s AND root.parent_id IS NULL
  AND (CAST(%(after_key)s AS text) IS NULL OR (root.created_at, root.id) >= (%(after_key)s, %(after_id)s))
ORDER BY root.created_at, root.id
LIMIT %(limit)s

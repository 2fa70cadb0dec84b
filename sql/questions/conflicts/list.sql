-- A page of conflicts of one status in the order in which they were found. Answered by conflicts_by_status.
SELECT conflict.id, conflict.version, conflict.position, conflict.doc, conflict.created_at AS key FROM conflicts conflict
WHERE conflict.ledger_id = %(ledger)s AND conflict.generation = %(conflicts)s AND conflict.status = %(status)s
  AND (CAST(%(after_key)s AS text) IS NULL OR (conflict.created_at, conflict.id) > (%(after_key)s, %(after_id)s))
ORDER BY conflict.created_at, conflict.id
LIMIT %(limit)s

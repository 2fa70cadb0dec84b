-- The entities whose id lies in the range that a short reference can mean. Answered by the primary key.
SELECT id, doc FROM things
WHERE ledger_id = %(ledger)s AND generation = %(generation)s AND category = %(category)s
  AND id BETWEEN %(lowest)s AND %(highest)s
ORDER BY id LIMIT 10

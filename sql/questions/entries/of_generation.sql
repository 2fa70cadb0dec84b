-- A page of all entries of one read model, after an entry. Answered by the primary key of entries.
SELECT relation, target, id, day, hidden, status, category FROM entries
WHERE ledger_id = %(ledger)s AND generation = %(generation)s
  AND (relation, target, id) > (%(after_relation)s, %(after_target)s, %(after_id)s)
ORDER BY relation, target, id LIMIT %(limit)s

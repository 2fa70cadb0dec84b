-- A page of one category's rows in id order, after an id. Answered by the primary key.
SELECT id, version, position, doc FROM things
WHERE ledger_id = %(ledger)s AND generation = %(generation)s AND category = %(category)s AND id > %(after)s
ORDER BY id LIMIT %(limit)s

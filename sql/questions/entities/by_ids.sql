-- The rows of some entities of one category, in id order. Answered by their primary key.
SELECT id, version, position, doc FROM things
WHERE ledger_id = %(ledger)s AND generation = %(generation)s AND category = %(category)s AND id = ANY (%(ids)s)
ORDER BY id

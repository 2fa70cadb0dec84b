-- The row of one entity. Answered by its primary key.
SELECT id, version, position, doc FROM things
WHERE ledger_id = %(ledger)s AND generation = %(generation)s AND category = %(category)s AND id = %(id)s

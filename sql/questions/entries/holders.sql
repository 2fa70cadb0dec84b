-- The entities that can be found under one value, in id order. Answered by the primary key of entries.
SELECT id FROM entries
WHERE ledger_id = %(ledger)s AND generation = %(generation)s AND relation = %(relation)s AND target = %(target)s
ORDER BY id

-- The open conflicts that are about one of some entities. Answered by the primary key of entries.
SELECT DISTINCT entry.id FROM entries entry
WHERE entry.ledger_id = %(ledger)s AND entry.generation = %(conflicts)s AND entry.relation = 'conflict_about'
  AND entry.target = ANY (%(ids)s)
ORDER BY entry.id

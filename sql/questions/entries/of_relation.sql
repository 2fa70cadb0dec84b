-- Every entry of one relation. Answered by the primary key of entries.
SELECT target, id FROM entries
WHERE ledger_id = %(ledger)s AND generation = %(generation)s AND relation = %(relation)s
ORDER BY target, id

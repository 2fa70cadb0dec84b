-- What blocks some items, finished or not. Answered by the primary key of entries.
SELECT target, id FROM entries
WHERE ledger_id = %(ledger)s AND generation = %(work_items)s AND relation = 'blocks' AND target = ANY (%(ids)s)
ORDER BY target, id

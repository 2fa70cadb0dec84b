-- The enhancements still to come, most urgent first. Answered by enhancements_by_priority.
SELECT id, version, position, doc FROM enhancements
WHERE ledger_id = %(ledger)s AND generation = %(enhancements)s
  AND (status IS NULL OR status IN ('planned', 'approved', 'implementing')) AND doc ->> 'withdrawn' IS NULL
ORDER BY priority NULLS LAST, id
LIMIT %(limit)s

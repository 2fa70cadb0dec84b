-- A page of enhancements, most urgent first, unknown priority last, then oldest first. Answered by
-- enhancements_by_priority.
SELECT enhancement.id, enhancement.version, enhancement.position, enhancement.doc, enhancement.rank AS key
FROM enhancements enhancement
WHERE enhancement.ledger_id = %(ledger)s AND enhancement.generation = %(enhancements)s
  -- generated: filters of enhancements
  AND enhancement.withdrawn = 0
  AND (CAST(%(priority)s AS int) IS NULL OR enhancement.priority = %(priority)s)
  AND (CAST(%(status)s AS text) IS NULL OR enhancement.status = %(status)s)
  AND (CAST(%(target_quarter)s AS text) IS NULL OR enhancement.target_quarter = %(target_quarter)s)
  -- end
  AND (CAST(%(after_key)s AS text) IS NULL OR (enhancement.rank, enhancement.id) > (%(after_key)s, %(after_id)s))
ORDER BY enhancement.rank, enhancement.id
LIMIT %(limit)s

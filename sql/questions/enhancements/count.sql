-- How many enhancements a filter lets through. Answered by the primary key.
SELECT count(*) AS total FROM enhancements enhancement
WHERE enhancement.ledger_id = %(ledger)s AND enhancement.generation = %(enhancements)s
  -- generated: filters of enhancements
  AND enhancement.withdrawn = 0
  AND (CAST(%(priority)s AS int) IS NULL OR enhancement.priority = %(priority)s)
  AND (CAST(%(status)s AS text) IS NULL OR enhancement.status = %(status)s)
  AND (CAST(%(target_quarter)s AS text) IS NULL OR enhancement.target_quarter = %(target_quarter)s)
  -- end

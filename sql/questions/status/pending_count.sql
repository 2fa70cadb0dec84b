-- How many enhancements are still to come. Answered by enhancements_by_priority.
SELECT count(*) AS pending FROM enhancements
WHERE ledger_id = %(ledger)s AND generation = %(enhancements)s
  AND (status IS NULL OR status IN ('planned', 'approved', 'implementing')) AND doc ->> 'withdrawn' IS NULL

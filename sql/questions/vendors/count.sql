-- How many vendors a filter lets through. Answered by the primary key, and that of entries.
SELECT count(*) AS total FROM vendors vendor
WHERE vendor.ledger_id = %(ledger)s AND vendor.generation = %(vendors)s
  -- generated: filters of vendors
  AND vendor.withdrawn = 0
  AND (CAST(%(status)s AS text) IS NULL OR vendor.status = %(status)s)
  AND (CAST(%(format)s AS text) IS NULL OR vendor.id IN (
      SELECT entry.id FROM entries entry
      WHERE entry.ledger_id = %(ledger)s AND entry.generation = %(vendors)s
        AND entry.relation = 'format' AND entry.target = %(format)s))
  -- end

-- A page of vendors by name. Answered by vendors_by_name.
SELECT vendor.id, vendor.version, vendor.position, vendor.doc, vendor.name_key AS key FROM vendors vendor
WHERE vendor.ledger_id = %(ledger)s AND vendor.generation = %(vendors)s
  -- generated: filters of vendors
  AND vendor.withdrawn = 0
  AND (CAST(%(status)s AS text) IS NULL OR vendor.status = %(status)s)
  AND (CAST(%(format)s AS text) IS NULL OR vendor.id IN (
      SELECT entry.id FROM entries entry
      WHERE entry.ledger_id = %(ledger)s AND entry.generation = %(vendors)s
        AND entry.relation = 'format' AND entry.target = %(format)s))
  -- end
  AND (CAST(%(after_key)s AS text) IS NULL OR (vendor.name_key, vendor.id) > (%(after_key)s, %(after_id)s))
ORDER BY vendor.name_key, vendor.id
LIMIT %(limit)s

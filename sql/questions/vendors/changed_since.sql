-- The vendors that something happened to after a position. Reads every vendor's row.
SELECT vendor.id, vendor.version, vendor.position, vendor.doc FROM vendors vendor
WHERE vendor.ledger_id = %(ledger)s AND vendor.generation = %(vendors)s AND vendor.withdrawn = 0
  AND vendor.position > %(since)s
ORDER BY vendor.id

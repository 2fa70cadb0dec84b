-- The first vendors by name of those that work, or of the others. Answered by vendors_by_name.
SELECT id, version, position, doc FROM vendors
WHERE ledger_id = %(ledger)s AND generation = %(vendors)s AND withdrawn = 0 AND name_key > ''
  AND (coalesce(status, '') = 'operational') = (%(works)s = 1)
ORDER BY name_key, id
LIMIT %(limit)s

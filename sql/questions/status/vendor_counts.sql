-- How many vendors there are of each status. Answered by vendors_by_name.
SELECT status, count(*) AS vendors FROM vendors
WHERE ledger_id = %(ledger)s AND generation = %(vendors)s AND withdrawn = 0 AND name_key > ''
GROUP BY status

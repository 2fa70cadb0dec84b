-- The rows of some entities of one category, in id order. Answered by their primary key, one by one also in a young table.
SELECT own.id, own.version, own.position, own.doc
FROM (SELECT DISTINCT unnest(CAST(%(ids)s AS text[])) AS id) asked
CROSS JOIN LATERAL (
    SELECT * FROM things
    WHERE ledger_id = %(ledger)s AND generation = %(generation)s AND category = %(category)s AND id = asked.id LIMIT 1) own
ORDER BY own.id

-- For each id the ids just before and just after it in its category. Answered by the primary key.
SELECT asked.id, beside.before, beside.after
FROM (SELECT unnest(CAST(%(ids)s AS text[])) AS id) asked,
     LATERAL beside(%(ledger)s, %(category)s || 's', %(generation)s, asked.id) AS beside
ORDER BY asked.id

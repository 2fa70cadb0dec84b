-- For each id the ids just before and just after it in its category. Answered by the primary key.
SELECT asked.value AS id,
       (SELECT t.id FROM things t
        WHERE t.ledger_id = %(ledger)s AND t.generation = %(generation)s AND t.category = %(category)s AND t.id < asked.value
        ORDER BY t.id DESC LIMIT 1) AS before,
       (SELECT t.id FROM things t
        WHERE t.ledger_id = %(ledger)s AND t.generation = %(generation)s AND t.category = %(category)s AND t.id > asked.value
        ORDER BY t.id LIMIT 1) AS after
FROM json_each(%(ids)s) asked
ORDER BY asked.value

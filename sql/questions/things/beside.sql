-- The ids just before and just after an id: what its reference must not be confused with. Answered by the primary key.
SELECT (SELECT t.id FROM things t
        WHERE t.ledger_id = %(ledger)s AND t.generation = %(generation)s AND t.category = %(category)s AND t.id < %(id)s
        ORDER BY t.id DESC LIMIT 1) AS before,
       (SELECT t.id FROM things t
        WHERE t.ledger_id = %(ledger)s AND t.generation = %(generation)s AND t.category = %(category)s AND t.id > %(id)s
        ORDER BY t.id LIMIT 1) AS after

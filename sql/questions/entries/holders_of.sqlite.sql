-- The entities that can be found under some values, in id order. Answered by the primary key of entries.
SELECT asked.value AS target, entry.id
FROM json_each(%(targets)s) asked
CROSS JOIN entries entry
    ON entry.ledger_id = %(ledger)s AND entry.generation = %(generation)s AND entry.relation = %(relation)s
    AND entry.target = asked.value
ORDER BY asked.value, entry.id

-- Other ids in the range that the shortest reference of an id can mean. Answered by the primary key.
SELECT asked.value AS id, rival.id AS rival
FROM json_each(%(ids)s) asked
JOIN conflicts rival
    ON rival.ledger_id = %(ledger)s AND rival.generation = %(conflicts)s
    AND rival.id >= json_extract(%(lowest)s, '$[' || asked.key || ']')
    AND rival.id <= json_extract(%(highest)s, '$[' || asked.key || ']') AND rival.id <> asked.value
ORDER BY asked.value, rival.id

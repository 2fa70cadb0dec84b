-- The entities whose ids lie in ranges that short references can mean, at most ten of each. Answered by the primary key.
SELECT lowest, highest, id FROM (
    SELECT asked.value AS lowest, json_extract(%(highest)s, '$[' || asked.key || ']') AS highest, found.id,
           row_number() OVER (PARTITION BY asked.key ORDER BY found.id) AS place
    FROM json_each(%(lowest)s) asked
    CROSS JOIN things found
        ON found.ledger_id = %(ledger)s AND found.generation = %(generation)s AND found.category = %(category)s
        AND found.id >= asked.value AND found.id <= json_extract(%(highest)s, '$[' || asked.key || ']')
) WHERE place <= 10
ORDER BY lowest, highest, id

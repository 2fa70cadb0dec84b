-- The entities whose ids lie in ranges that short references can mean, at most ten of each. Answered by the primary key.
SELECT asked.lowest, asked.highest, found.id
FROM unnest(CAST(%(lowest)s AS text[]), CAST(%(highest)s AS text[])) AS asked (lowest, highest)
CROSS JOIN LATERAL (
    SELECT id FROM things
    WHERE ledger_id = %(ledger)s AND generation = %(generation)s AND category = %(category)s
      AND id >= asked.lowest COLLATE "C" AND id <= asked.highest COLLATE "C"
    ORDER BY id LIMIT 10
) found
ORDER BY asked.lowest COLLATE "C", asked.highest COLLATE "C", found.id

-- Other ids in the range that the shortest reference of an id can mean; hardly ever any. Answered by the primary key,
-- one short look for each id: OFFSET 0 keeps the planner from reading all rows once instead.
SELECT asked.id, rival.id AS rival
FROM unnest(CAST(%(ids)s AS text[]), CAST(%(lowest)s AS text[]), CAST(%(highest)s AS text[])) AS asked (id, lowest, highest)
CROSS JOIN LATERAL (
    SELECT other.id FROM conflicts other
    WHERE other.ledger_id = %(ledger)s AND other.generation = %(conflicts)s
      AND other.id >= asked.lowest COLLATE "C" AND other.id <= asked.highest COLLATE "C" AND other.id <> asked.id
    OFFSET 0
) rival
ORDER BY asked.id, rival.id

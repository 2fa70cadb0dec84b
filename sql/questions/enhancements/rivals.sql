-- Other ids in the range that the shortest reference of an id can mean; hardly ever any. Answered by the primary key.
SELECT asked.id, rival.id AS rival
FROM unnest(CAST(%(ids)s AS text[]), CAST(%(lowest)s AS text[]), CAST(%(highest)s AS text[])) AS asked (id, lowest, highest)
JOIN enhancements rival
    ON rival.ledger_id = %(ledger)s AND rival.generation = %(enhancements)s
    AND rival.id >= asked.lowest COLLATE "C" AND rival.id <= asked.highest COLLATE "C" AND rival.id <> asked.id
ORDER BY asked.id, rival.id

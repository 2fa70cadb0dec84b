-- The entities that can be found under some values, in id order. Answered by the primary key of entries, whatever the planner
-- knows of the table: each look asks for a range in the order of its index.
SELECT asked.target, entry.id
FROM (SELECT unnest(CAST(%(targets)s AS text[])) COLLATE "C" AS target) asked
CROSS JOIN LATERAL (
    SELECT id FROM entries
    WHERE ledger_id = %(ledger)s AND generation = %(generation)s AND relation = %(relation)s
      AND target >= asked.target AND target <= asked.target
    ORDER BY target, id OFFSET 0
) entry
ORDER BY asked.target, entry.id

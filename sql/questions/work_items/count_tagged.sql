-- How many items have a tag, hidden and finished ones as far as they are wanted; no more than so many are counted. Answered by
-- entries_listed alone.
SELECT count(*) AS total FROM (
SELECT 1 FROM entries entry
WHERE entry.ledger_id = %(ledger)s AND entry.generation = %(work_items)s AND entry.relation = 'tag' AND entry.target = %(tag)s
  AND entry.hidden IN (0, %(deleted)s, %(archived)s, %(both)s)
  AND (CAST(%(status)s AS text) IS NULL OR entry.status = %(status)s)
  AND (CAST(%(category)s AS text) IS NULL OR entry.category = %(category)s)
  AND (CAST(%(unfinished)s AS int) IS NULL OR entry.category NOT IN ('done', 'dropped'))
LIMIT %(most)s) counted

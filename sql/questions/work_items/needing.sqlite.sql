-- What of the work waits for a person; the twin of needing.sql, which describes the kinds.
SELECT 'question' AS kind, 1 AS place, item.rank, item.id, item.version, item.position, item.doc
FROM work_items item
WHERE item.ledger_id = %(ledger)s AND item.generation = %(work_items)s
  AND item.waits_for IN (SELECT value FROM json_each(%(names)s)) AND item.hidden = 0
UNION ALL
SELECT 'refused', 2, item.rank, item.id, item.version, item.position, item.doc
FROM entries entry
JOIN work_items item ON item.ledger_id = %(ledger)s AND item.generation = %(work_items)s AND item.id = entry.id
WHERE entry.ledger_id = %(ledger)s AND entry.generation = %(work_items)s AND entry.relation = 'refused' AND entry.target = %(person)s
  AND item.category NOT IN ('done', 'dropped') AND item.hidden = 0
UNION ALL
SELECT 'expired_claim', 3, item.rank, item.id, item.version, item.position, item.doc
FROM work_items item
WHERE item.ledger_id = %(ledger)s AND item.generation = %(work_items)s AND item.claimed_by = %(person)s
  AND item.claimed_until <= %(moment)s AND item.category NOT IN ('done', 'dropped') AND item.hidden = 0
UNION ALL
SELECT 'blocks', 4, item.rank, item.id, item.version, item.position, item.doc
FROM work_items item
WHERE item.ledger_id = %(ledger)s AND item.generation = %(work_items)s AND item.claimed_by = %(person)s
  AND item.claimed_until > %(moment)s AND item.category NOT IN ('done', 'dropped') AND item.hidden = 0
  AND item.waits_for IS NULL
  AND EXISTS (
      SELECT 1 FROM entries link
      JOIN work_items other ON other.ledger_id = %(ledger)s AND other.generation = %(work_items)s AND other.id = link.target
      WHERE link.ledger_id = %(ledger)s AND link.generation = %(work_items)s AND link.id = item.id AND link.relation = 'blocks'
        AND other.category NOT IN ('done', 'dropped') AND other.hidden = 0)
UNION ALL
SELECT 'due', 5, item.rank, item.id, item.version, item.position, item.doc
FROM work_items item
WHERE item.ledger_id = %(ledger)s AND item.generation = %(work_items)s AND item.due_by <= %(today)s
  AND (item.assignee = %(person)s OR item.claimed_by = %(person)s AND item.claimed_until > %(moment)s)
  AND item.category NOT IN ('done', 'dropped') AND item.hidden = 0
ORDER BY place, rank, id
LIMIT %(limit)s

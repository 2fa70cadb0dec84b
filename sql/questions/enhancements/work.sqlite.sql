-- The living items that carry out some enhancements, the oldest first. Answered by the primary keys of entries and
-- work_items.
SELECT entry.target AS enhancement_id, item.id, item.title, item.status, item.category
FROM entries entry
JOIN work_items item ON item.ledger_id = %(ledger)s AND item.generation = %(work_items)s AND item.id = entry.id
WHERE entry.ledger_id = %(ledger)s AND entry.generation = %(work_items)s AND entry.relation = 'implements'
  AND entry.target IN (SELECT value FROM json_each(%(ids)s)) AND item.hidden IN (0, 2)
ORDER BY entry.target, item.created_at, item.id

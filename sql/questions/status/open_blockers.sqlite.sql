-- For some items the unfinished, living items that block them. Answered by the primary keys of entries and work_items.
SELECT link.target AS id, blocker.id AS blocker_id, blocker.title, blocker.status
FROM entries link
JOIN work_items blocker
    ON blocker.ledger_id = %(ledger)s AND blocker.generation = %(work_items)s AND blocker.id = link.id
WHERE link.ledger_id = %(ledger)s AND link.generation = %(work_items)s AND link.relation = 'blocks'
  AND link.target IN (SELECT value FROM json_each(%(ids)s)) AND blocker.category NOT IN ('done', 'dropped') AND blocker.hidden IN (0, 2)
ORDER BY link.target, blocker.id

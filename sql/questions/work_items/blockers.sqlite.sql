-- The unfinished, living items that block some items themselves. Answered by the primary keys of entries and work_items.
SELECT asked.value AS asked, blocker.id, blocker.title, blocker.status, blocker.category, blocker.item_type, blocker.parent_id,
       blocker.hidden, 0 AS depth
FROM json_each(%(ids)s) asked
CROSS JOIN entries link
    ON link.ledger_id = %(ledger)s AND link.generation = %(work_items)s AND link.relation = 'blocks' AND link.target = asked.value
CROSS JOIN work_items blocker
    ON blocker.ledger_id = %(ledger)s AND blocker.generation = %(work_items)s AND blocker.id = link.id
WHERE blocker.category NOT IN ('done', 'dropped') AND blocker.hidden IN (0, 2)
ORDER BY asked.value, blocker.id

-- The unfinished items that are held now, by anyone or by one name, the lease that ends first at the top. Answered by
-- work_items_claimed.
SELECT item.id, item.version, item.position, item.doc FROM work_items item
WHERE item.ledger_id = %(ledger)s AND item.generation = %(work_items)s
  AND item.claimed_by IS NOT NULL AND (CAST(%(person)s AS text) IS NULL OR item.claimed_by = %(person)s)
  AND item.claimed_until > %(moment)s AND item.hidden = 0
ORDER BY item.claimed_until, item.id
LIMIT %(limit)s

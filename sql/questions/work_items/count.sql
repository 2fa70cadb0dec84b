-- How many items a filter lets through. Answered by work_items_counted.
SELECT count(*) AS total FROM work_items item
WHERE item.ledger_id = %(ledger)s AND item.generation = %(work_items)s
  AND (CAST(%(item_type)s AS text) IS NULL OR item.item_type = %(item_type)s)
  AND (CAST(%(status)s AS text) IS NULL OR item.status = %(status)s)
  AND (CAST(%(parent_id)s AS text) IS NULL OR item.parent_id = %(parent_id)s)
  AND (%(roots_only)s = 0 OR item.parent_id IS NULL)
  AND (CAST(%(since)s AS bigint) IS NULL OR item.position > %(since)s)
  AND (item.hidden & %(hide)s) = 0
  AND (CAST(%(tag)s AS text) IS NULL OR item.id IN (
      SELECT entry.id FROM entries entry
      WHERE entry.ledger_id = %(ledger)s AND entry.generation = %(work_items)s
        AND entry.relation = 'tag' AND entry.target = %(tag)s))

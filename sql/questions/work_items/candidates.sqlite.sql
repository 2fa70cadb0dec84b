-- Items that may be ready, most urgent first, then oldest first. The twin of candidates.sql: here no column says what others
-- hold up, so each item is asked.
WITH RECURSIVE below (id) AS (
    SELECT child.id FROM work_items child INDEXED BY work_items_children
    WHERE child.ledger_id = %(ledger)s AND child.generation = %(work_items)s AND child.parent_id = %(parent_id)s
    UNION
    SELECT child.id FROM below
    JOIN work_items child INDEXED BY work_items_children
        ON child.ledger_id = %(ledger)s AND child.generation = %(work_items)s AND child.parent_id = below.id
)
SELECT item.id, item.rank AS key FROM work_items item
WHERE item.ledger_id = %(ledger)s AND item.generation = %(work_items)s AND item.category IN ('planned', 'active') AND item.hidden = 0
  AND (CAST(%(item_type)s AS text) IS NULL OR item.item_type = %(item_type)s)
  AND (CAST(%(assignee)s AS text) IS NULL OR item.assignee = %(assignee)s)
  AND (CAST(%(parent_id)s AS text) IS NULL OR item.id IN (SELECT below.id FROM below))
  AND (CAST(%(tag)s AS text) IS NULL OR item.id IN (
      SELECT entry.id FROM entries entry
      WHERE entry.ledger_id = %(ledger)s AND entry.generation = %(work_items)s
        AND entry.relation = 'tag' AND entry.target = %(tag)s))
  AND item.item_type <> 'milestone' AND item.waits_for IS NULL AND (item.starts_at IS NULL OR item.starts_at <= %(moment)s)
  AND NOT EXISTS (
      SELECT 1 FROM work_items child INDEXED BY work_items_children
      WHERE child.ledger_id = %(ledger)s AND child.generation = %(work_items)s AND child.parent_id = item.id
        AND child.category NOT IN ('done', 'dropped') AND child.hidden IN (0, 2))
  AND NOT EXISTS (
      SELECT 1 FROM entries link
      JOIN work_items other ON other.ledger_id = %(ledger)s AND other.generation = %(work_items)s AND other.id = link.id
      WHERE link.ledger_id = %(ledger)s AND link.generation = %(work_items)s AND link.relation = 'blocks' AND link.target = item.id
        AND other.category NOT IN ('done', 'dropped') AND other.hidden IN (0, 2))
  AND (item.parent_id IS NULL OR NOT EXISTS (
      SELECT 1 FROM work_items parent
      LEFT JOIN work_items above
        ON above.ledger_id = %(ledger)s AND above.generation = %(work_items)s AND above.id = parent.parent_id
      WHERE parent.ledger_id = %(ledger)s AND parent.generation = %(work_items)s AND parent.id = item.parent_id
        AND (parent.category IN ('waiting', 'dropped') OR parent.waits_for IS NOT NULL
             OR parent.starts_at > %(moment)s AND parent.category NOT IN ('done', 'dropped')
             OR EXISTS (
                 SELECT 1 FROM entries link
                 JOIN work_items other ON other.ledger_id = %(ledger)s AND other.generation = %(work_items)s AND other.id = link.id
                 WHERE link.ledger_id = %(ledger)s AND link.generation = %(work_items)s AND link.relation = 'blocks'
                   AND link.target = parent.id AND other.category NOT IN ('done', 'dropped') AND other.hidden IN (0, 2))
             OR above.category IN ('waiting', 'dropped') OR above.waits_for IS NOT NULL
             OR above.starts_at > %(moment)s AND above.category NOT IN ('done', 'dropped')
             OR EXISTS (
                 SELECT 1 FROM entries link
                 JOIN work_items other ON other.ledger_id = %(ledger)s AND other.generation = %(work_items)s AND other.id = link.id
                 WHERE link.ledger_id = %(ledger)s AND link.generation = %(work_items)s AND link.relation = 'blocks'
                   AND link.target = above.id AND other.category NOT IN ('done', 'dropped') AND other.hidden IN (0, 2)))))
  AND (CAST(%(after_key)s AS text) IS NULL OR (item.rank, item.id) > (%(after_key)s, %(after_id)s))
ORDER BY item.rank, item.id
LIMIT %(limit)s

-- Items of the trees below some roots; see list_by_tree.sql.
WITH RECURSIVE tree AS (
    SELECT root.id, root.created_at || ' ' || root.id AS path, 0 AS depth FROM work_items root
    WHERE root.ledger_id = %(ledger)s AND root.generation = %(work_items)s AND root.id IN (SELECT value FROM json_each(%(ids)s))
    UNION ALL
    SELECT child.id, tree.path || '/' || child.created_at || ' ' || child.id, tree.depth + 1
    FROM tree JOIN work_items child INDEXED BY work_items_children
        ON child.ledger_id = %(ledger)s AND child.generation = %(work_items)s AND child.parent_id = tree.id
    WHERE tree.depth < %(max_depth)s
)
SELECT item.id, item.version, item.position, item.doc, tree.path AS key FROM tree
JOIN work_items item ON item.ledger_id = %(ledger)s AND item.generation = %(work_items)s AND item.id = tree.id
WHERE (CAST(%(after_key)s AS text) IS NULL OR (tree.path, item.id) > (%(after_key)s, %(after_id)s))
  -- generated: filters of work_items
  AND (CAST(%(item_type)s AS text) IS NULL OR item.item_type = %(item_type)s)
  AND (CAST(%(status)s AS text) IS NULL OR item.status = %(status)s)
  AND (CAST(%(category)s AS text) IS NULL OR item.category = %(category)s)
  AND (CAST(%(assignee)s AS text) IS NULL OR item.assignee = %(assignee)s)
  AND (CAST(%(parent_id)s AS text) IS NULL OR item.parent_id = %(parent_id)s)
  AND (CAST(%(milestone_id)s AS text) IS NULL OR item.milestone_id = %(milestone_id)s)
  AND (CAST(%(priority)s AS int) IS NULL OR item.priority = %(priority)s)
  AND (CAST(%(due_until)s AS text) IS NULL OR item.due_by <= %(due_until)s)
  AND (CAST(%(overdue)s AS int) IS NULL OR item.due_by < %(moment)s AND item.category NOT IN ('done', 'dropped'))
  AND (coalesce(%(deferred)s, 0) = 0 OR item.starts_at > %(moment)s)
  AND (coalesce(%(deferred)s, 1) = 1 OR item.starts_at IS NULL OR item.starts_at <= %(moment)s)
  AND (CAST(%(roots_only)s AS int) IS NULL OR item.parent_id IS NULL)
  AND (CAST(%(unfinished)s AS int) IS NULL OR item.category NOT IN ('done', 'dropped'))
  AND (CAST(%(claimed_by)s AS text) IS NULL OR item.claimed_by = %(claimed_by)s AND item.claimed_until > %(moment)s)
  AND (CAST(%(since)s AS bigint) IS NULL OR item.position > %(since)s)
  AND item.hidden IN (0, %(deleted)s, %(archived)s, %(both)s)
  AND (CAST(%(tag)s AS text) IS NULL OR item.id IN (
      SELECT entry.id FROM entries entry
      WHERE entry.ledger_id = %(ledger)s AND entry.generation = %(work_items)s
        AND entry.relation = 'tag' AND entry.target = %(tag)s))
  AND (CAST(%(attachment)s AS text) IS NULL OR item.id IN (
      SELECT entry.id FROM entries entry
      WHERE entry.ledger_id = %(ledger)s AND entry.generation = %(work_items)s
        AND entry.relation = 'attachment' AND entry.target = %(attachment)s))
  -- end
ORDER BY tree.path, item.id
LIMIT %(limit)s

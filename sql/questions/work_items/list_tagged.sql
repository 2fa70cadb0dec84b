-- A page of the items that have a tag, newest change first. What finds them has the day of that change, so only the items of the
-- days that the page shows are read. Answered by entries_listed and the primary key.
SELECT item.id, item.version, item.position, item.doc, item.updated_at AS key
FROM entries entry
JOIN work_items item ON item.ledger_id = %(ledger)s AND item.generation = %(work_items)s AND item.id = entry.id
WHERE entry.ledger_id = %(ledger)s AND entry.generation = %(work_items)s AND entry.relation = 'tag' AND entry.target = %(tag)s
  AND entry.hidden IN (0, %(deleted)s, %(archived)s, %(both)s)
  AND (CAST(%(status)s AS text) IS NULL OR entry.status = %(status)s)
  AND (CAST(%(category)s AS text) IS NULL OR entry.category = %(category)s)
  AND (CAST(%(unfinished)s AS int) IS NULL OR entry.category NOT IN ('done', 'dropped'))
  AND (CAST(%(after_key)s AS text) IS NULL OR entry.day <= substr(%(after_key)s, 1, 10))
  -- generated: filters of work_items without the tag
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
  AND (CAST(%(attachment)s AS text) IS NULL OR item.id IN (
      SELECT entry.id FROM entries entry
      WHERE entry.ledger_id = %(ledger)s AND entry.generation = %(work_items)s
        AND entry.relation = 'attachment' AND entry.target = %(attachment)s))
  -- end
  AND (CAST(%(after_key)s AS text) IS NULL OR (item.updated_at, item.id) < (%(after_key)s, %(after_id)s))
ORDER BY entry.day DESC, item.updated_at DESC, item.id DESC
LIMIT %(limit)s OFFSET %(offset)s

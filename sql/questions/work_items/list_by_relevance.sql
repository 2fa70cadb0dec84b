-- A page of the items that hold all of some words, what weighs most first, or in another order. Answered by
-- work_item_terms_by_term and the primary key.
WITH found AS (
    SELECT id, score FROM matching(CAST(%(ledger)s AS uuid), CAST(%(work_items)s AS bigint), CAST(%(terms)s AS text[]))
), placed AS (
    SELECT item.id, count(*) OVER () AS total, row_number() OVER (
        ORDER BY CASE %(order)s WHEN 'updated' THEN item.updated_at WHEN 'created' THEN item.created_at END DESC,
                 CASE %(order)s WHEN 'priority' THEN item.rank || item.id END,
                 found.score DESC, item.updated_at DESC, item.id DESC) AS place
    FROM found CROSS JOIN LATERAL (  -- one by one, also while the number of items is unknown
        SELECT * FROM work_items own
        WHERE own.ledger_id = %(ledger)s AND own.generation = %(work_items)s AND own.id = found.id LIMIT 1) item
    WHERE found.score > 0
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
)
SELECT item.id, item.version, item.position, item.doc, placed.place AS key, placed.total
FROM placed CROSS JOIN LATERAL (
    SELECT * FROM work_items own
    WHERE own.ledger_id = %(ledger)s AND own.generation = %(work_items)s AND own.id = placed.id LIMIT 1) item
WHERE placed.place > coalesce(CAST(%(after_key)s AS bigint), 0) + %(offset)s
ORDER BY placed.place
LIMIT %(limit)s

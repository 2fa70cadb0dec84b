-- A page of what may be blocked, in one of four orders. The twin of list_blocked.sql: here no column says what others hold up, so
-- each link is asked.
WITH RECURSIVE root AS MATERIALIZED (
    SELECT item.id, item.category = 'waiting' OR item.category = 'review'
                    OR item.waits_for IS NOT NULL AS is_blocked
    FROM work_items item
    WHERE item.ledger_id = %(ledger)s AND item.generation = %(work_items)s
      AND (item.category IN ('waiting', 'dropped') OR item.category = 'review' OR item.waits_for IS NOT NULL
           OR item.starts_at > %(moment)s AND item.category NOT IN ('done', 'dropped'))
    UNION ALL
    SELECT link.target, true FROM entries link
    JOIN work_items other ON other.ledger_id = %(ledger)s AND other.generation = %(work_items)s AND other.id = link.id
    WHERE link.ledger_id = %(ledger)s AND link.generation = %(work_items)s AND link.relation = 'blocks'
      AND other.category NOT IN ('done', 'dropped') AND other.hidden IN (0, 2)
), below (id) AS (
    SELECT child.id FROM root
    JOIN work_items child INDEXED BY work_items_children
        ON child.ledger_id = %(ledger)s AND child.generation = %(work_items)s AND child.parent_id = root.id
    UNION
    SELECT child.id FROM below
    JOIN work_items child INDEXED BY work_items_children
        ON child.ledger_id = %(ledger)s AND child.generation = %(work_items)s AND child.parent_id = below.id
), found AS (
    SELECT root.id FROM root WHERE root.is_blocked
    UNION
    SELECT below.id FROM below
), place AS MATERIALIZED (
    SELECT item.id, CASE %(order)s WHEN 'updated' THEN item.updated_at WHEN 'created' THEN item.created_at
                                   WHEN 'priority' THEN item.rank ELSE item.due_by END AS key
    FROM found
    JOIN work_items item ON item.ledger_id = %(ledger)s AND item.generation = %(work_items)s AND item.id = found.id
    WHERE item.category NOT IN ('done', 'dropped')
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
), page AS (
    SELECT place.id, place.key, %(order)s IN ('updated', 'created') AS is_downwards FROM place
    WHERE (CAST(%(after_key)s AS text) IS NULL
           OR CASE WHEN %(order)s IN ('updated', 'created') THEN (place.key, place.id) < (%(after_key)s, %(after_id)s)
                   ELSE (place.key, place.id) > (%(after_key)s, %(after_id)s) END)
    ORDER BY CASE WHEN %(order)s IN ('updated', 'created') THEN place.key END DESC,
             CASE WHEN %(order)s IN ('updated', 'created') THEN place.id END DESC, place.key, place.id
    LIMIT %(limit)s
)
SELECT item.id, item.version, item.position, item.doc, page.key
FROM page JOIN work_items item ON item.ledger_id = %(ledger)s AND item.generation = %(work_items)s AND item.id = page.id
ORDER BY CASE WHEN page.is_downwards THEN page.key END DESC, CASE WHEN page.is_downwards THEN page.id END DESC,
         page.key, page.id

-- A page of the items that hold all of some words, what weighs most first, or in another order. Where more than `common`
-- items hold them, only those are searched that changed last, `looked_at` of those that the filters let through; a line
-- says so in `looked_at` where these are not all, and one without an item is there if nothing was found.
-- The twin of list_by_relevance.sql: every item is looked at until enough are found.
WITH found AS (
    SELECT id, score FROM (
        SELECT id, term_score(terms, %(terms)s) AS score FROM work_item_terms
        WHERE ledger_id = %(ledger)s AND generation = %(work_items)s) item
    WHERE score > 0 LIMIT %(common)s + 1
), newest AS (
    SELECT item.id FROM work_items item
    WHERE (SELECT count(*) FROM found) > %(common)s AND item.ledger_id = %(ledger)s AND item.generation = %(work_items)s
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
    ORDER BY item.updated_at DESC, item.id DESC
    LIMIT %(looked_at)s
), weighed AS (
    SELECT id, score FROM found WHERE (SELECT count(*) FROM found) <= %(common)s
    UNION ALL
    SELECT newest.id, term_score(kept.terms, %(terms)s) FROM newest JOIN work_item_terms kept
        ON kept.ledger_id = %(ledger)s AND kept.generation = %(work_items)s AND kept.id = newest.id
), placed AS (
    SELECT item.id, row_number() OVER (
        ORDER BY CASE %(order)s WHEN 'updated' THEN item.updated_at WHEN 'created' THEN item.created_at END DESC,
                 CASE %(order)s WHEN 'priority' THEN item.rank || item.id END,
                 weighed.score DESC, item.updated_at DESC, item.id DESC) AS place
    FROM weighed JOIN work_items item
        ON item.ledger_id = %(ledger)s AND item.generation = %(work_items)s AND item.id = weighed.id
    WHERE weighed.score > 0
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
), page AS (
    SELECT item.id, item.version, item.position, item.doc, place.place AS key
    FROM (SELECT placed.id, placed.place FROM placed
          WHERE placed.place > coalesce(CAST(%(after_key)s AS bigint), 0) + %(offset)s
          ORDER BY placed.place
          LIMIT %(limit)s) place
    JOIN work_items item
        ON item.ledger_id = %(ledger)s AND item.generation = %(work_items)s AND item.id = place.id
)
SELECT page.id, page.version, page.position, page.doc, page.key, searched.total, searched.looked_at
FROM (SELECT (SELECT count(*) FROM placed) AS total,
             (SELECT count(*) FROM newest HAVING count(*) = %(looked_at)s) AS looked_at) searched
LEFT JOIN page ON true
ORDER BY page.key

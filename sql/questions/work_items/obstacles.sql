-- The rule of readiness, here and nowhere else: what keeps each of some items, or else of those whose id lies in a range, from
-- being begun at a moment of ledger time by `asker`, who has the token of that digest. An item without a line is ready: its
-- category is planned or active, it is not hidden, no milestone and not deferred, another neither claims it nor has it in
-- hand, no unfinished living item blocks it or one of its ancestors, none of its ancestors was dropped, waits or is deferred,
-- and it has no unfinished living child. In its assignee's hands is what a state of the ledger's own calls active, in an
-- unknown person's if it has no assignee and was never claimed; the original word says only that it is not finished. Of
-- blockers and children `most` are named, for the item and for each ancestor. Answered by the primary keys and
-- work_items_children.
WITH RECURSIVE item AS (  -- LIMIT keeps the planner from reading all items
    SELECT own.*
    FROM unnest(coalesce(nullif(CAST(%(ids)s AS text[]), '{}'), ARRAY[CAST(%(lowest)s AS text)]),
                coalesce(nullif(CAST(%(ids)s AS text[]), '{}'), ARRAY[CAST(%(highest)s AS text)])) asked (lowest, highest)
    CROSS JOIN LATERAL (
        SELECT found.id, found.title, found.status, found.category, found.item_type, found.hidden, found.parent_id,
               found.starts_at, found.waits_for, found.assignee, found.claimed_by, found.claimed_until,
               found.doc -> 'claim' ->> 'token_digest' AS holder
        FROM work_items found
        WHERE found.ledger_id = %(ledger)s AND found.generation = %(work_items)s
          AND found.id BETWEEN asked.lowest AND asked.highest
        ORDER BY found.id LIMIT 10) own
),
line (id, above, parent_id, title, status, category, starts_at, waits_for) AS (
    SELECT item.id, item.id, item.parent_id, item.title, item.status, item.category, item.starts_at, item.waits_for FROM item
    UNION
    SELECT line.id, upward.* FROM line CROSS JOIN LATERAL (
        SELECT found.id, found.parent_id, found.title, found.status, found.category, found.starts_at, found.waits_for
        FROM work_items found
        WHERE found.ledger_id = %(ledger)s AND found.generation = %(work_items)s AND found.id = line.parent_id LIMIT 1) upward
)
SELECT item.id, 1 AS place, CASE WHEN item.hidden & 5 <> 0 THEN 'deleted' WHEN item.hidden = 2 THEN 'archived'
           WHEN item.category NOT IN ('planned', 'active') THEN 'status' ELSE 'milestone' END AS reason,
       item.id AS cause_id, item.title, item.status, item.category, NULL AS by, NULL AS until
FROM item WHERE item.hidden <> 0 OR item.category NOT IN ('planned', 'active') OR item.item_type = 'milestone'
UNION ALL
SELECT item.id, 2, 'claimed', item.id, item.title, item.status, item.category, item.claimed_by, item.claimed_until
FROM item WHERE item.claimed_until > %(moment)s AND item.holder <> %(holder)s
UNION ALL
SELECT item.id, 2, 'assigned', item.id, item.title, item.status, item.category, item.assignee, NULL
FROM item WHERE item.category = 'active' AND item.status <> 'active'
  AND (item.assignee <> %(asker)s OR item.assignee IS NULL AND item.claimed_by IS NULL)
  AND coalesce(item.holder, '') <> coalesce(nullif(%(holder)s, ''), '-')
UNION ALL
SELECT line.id, 2, CASE WHEN line.above = line.id THEN 'deferred' ELSE 'ancestor_deferred' END,
       line.above, line.title, line.status, line.category, NULL, line.starts_at
FROM line WHERE line.starts_at > %(moment)s AND (line.above = line.id OR line.category NOT IN ('done', 'dropped'))
UNION ALL
SELECT line.id, 2, CASE WHEN line.above = line.id THEN 'waiting' ELSE 'ancestor_waiting' END,
       line.above, line.title, line.status, line.category, line.waits_for, NULL
FROM line WHERE line.waits_for IS NOT NULL
UNION ALL
SELECT line.id, 2, 'ancestor_status', line.above, line.title, line.status, line.category, NULL, NULL
FROM line WHERE line.above <> line.id AND line.category IN ('waiting', 'dropped')
UNION ALL
SELECT line.id, 3, CASE WHEN line.above = line.id THEN 'blocker' ELSE 'ancestor_blocker' END,
       blocker.id, blocker.title, blocker.status, blocker.category, NULL, NULL
FROM line CROSS JOIN LATERAL (
    SELECT other.id, other.title, other.status, other.category FROM entries link
    JOIN work_items other ON other.ledger_id = %(ledger)s AND other.generation = %(work_items)s AND other.id = link.id
    WHERE link.ledger_id = %(ledger)s AND link.generation = %(work_items)s AND link.relation = 'blocks' AND link.target = line.above
      AND other.category NOT IN ('done', 'dropped') AND other.hidden IN (0, 2)
    ORDER BY link.id LIMIT %(most)s) blocker
UNION ALL
SELECT item.id, 4, 'child', child.id, child.title, child.status, child.category, NULL, NULL
FROM item CROSS JOIN LATERAL (
    SELECT other.id, other.title, other.status, other.category FROM work_items other
    WHERE other.ledger_id = %(ledger)s AND other.generation = %(work_items)s AND other.parent_id = item.id
      AND other.category NOT IN ('done', 'dropped') AND other.hidden IN (0, 2)
    ORDER BY other.id LIMIT %(most)s) child
ORDER BY 1, 2, 4

-- The rule of readiness, here and nowhere else: what keeps each of some items, and of those whose id lies in a range, from
-- being begun at a moment of ledger time by `asker`, who has the token of that digest. An item without a line is ready: its
-- category is planned or active, it is not hidden, no milestone and not deferred, another neither claims it nor has it in
-- hand, no unfinished living item blocks it or one of its ancestors, and it has no unfinished living child. In its assignee's
-- hands is what a state of the ledger's own calls active, in an unknown person's if it has no assignee and was never claimed;
-- the original word says only that it is not finished. Of blockers and children `most` are named,
-- for the item and for each ancestor. Answered by the primary keys and work_items_children.
WITH RECURSIVE asked (id) AS (
    SELECT unnest(CAST(%(ids)s AS text[])) COLLATE "C"
    UNION
    (SELECT id FROM work_items
     WHERE ledger_id = %(ledger)s AND generation = %(work_items)s AND id BETWEEN %(lowest)s AND %(highest)s
     ORDER BY id LIMIT 10)
),
line (id, above) AS (
    SELECT asked.id, asked.id FROM asked
    UNION
    SELECT line.id, upward.parent_id FROM line CROSS JOIN LATERAL (  -- LIMIT keeps the planner from reading all items
        SELECT item.parent_id FROM work_items item
        WHERE item.ledger_id = %(ledger)s AND item.generation = %(work_items)s AND item.id = line.above
          AND item.parent_id IS NOT NULL LIMIT 1) upward
)
SELECT item.id, 1 AS place, CASE WHEN item.hidden & 5 <> 0 THEN 'deleted' WHEN item.hidden = 2 THEN 'archived'
           WHEN item.category NOT IN ('planned', 'active') THEN 'status' ELSE 'milestone' END AS reason,
       item.id AS cause_id, item.title, item.status, item.category, NULL AS by, NULL AS until
FROM asked CROSS JOIN LATERAL (
    SELECT own.id, own.title, own.status, own.category, own.item_type, own.hidden FROM work_items own
    WHERE own.ledger_id = %(ledger)s AND own.generation = %(work_items)s AND own.id = asked.id LIMIT 1) item
WHERE item.hidden <> 0 OR item.category NOT IN ('planned', 'active') OR item.item_type = 'milestone'
UNION ALL
SELECT item.id, 2, 'deferred', item.id, item.title, item.status, item.category, NULL, item.starts_at
FROM asked CROSS JOIN LATERAL (
    SELECT own.id, own.title, own.status, own.category, own.starts_at FROM work_items own
    WHERE own.ledger_id = %(ledger)s AND own.generation = %(work_items)s AND own.id = asked.id LIMIT 1) item
WHERE item.starts_at > %(moment)s
UNION ALL
SELECT item.id, 2, 'claimed', item.id, item.title, item.status, item.category, item.claimed_by, item.claimed_until
FROM asked CROSS JOIN LATERAL (
    SELECT own.id, own.title, own.status, own.category, own.claimed_by, own.claimed_until, own.doc FROM work_items own
    WHERE own.ledger_id = %(ledger)s AND own.generation = %(work_items)s AND own.id = asked.id LIMIT 1) item
WHERE item.claimed_until > %(moment)s AND item.doc -> 'claim' ->> 'token_digest' <> %(holder)s
UNION ALL
SELECT item.id, 2, 'assigned', item.id, item.title, item.status, item.category, item.assignee, NULL
FROM asked CROSS JOIN LATERAL (
    SELECT own.id, own.title, own.status, own.category, own.assignee, own.claimed_by, own.doc FROM work_items own
    WHERE own.ledger_id = %(ledger)s AND own.generation = %(work_items)s AND own.id = asked.id LIMIT 1) item
WHERE item.category = 'active' AND item.status <> 'active'
  AND (item.assignee <> %(asker)s OR item.assignee IS NULL AND item.claimed_by IS NULL)
  AND coalesce(item.doc -> 'claim' ->> 'token_digest', '') <> coalesce(nullif(%(holder)s, ''), '-')
UNION ALL
SELECT item.id, 2, 'waiting', item.id, item.title, item.status, item.category, item.waits_for, NULL
FROM asked CROSS JOIN LATERAL (
    SELECT own.id, own.title, own.status, own.category, own.waits_for FROM work_items own
    WHERE own.ledger_id = %(ledger)s AND own.generation = %(work_items)s AND own.id = asked.id LIMIT 1) item
WHERE item.waits_for IS NOT NULL
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
SELECT asked.id, 4, 'child', child.id, child.title, child.status, child.category, NULL, NULL
FROM asked CROSS JOIN LATERAL (
    SELECT other.id, other.title, other.status, other.category FROM work_items other
    WHERE other.ledger_id = %(ledger)s AND other.generation = %(work_items)s AND other.parent_id = asked.id
      AND other.category NOT IN ('done', 'dropped') AND other.hidden IN (0, 2)
    ORDER BY other.id LIMIT %(most)s) child
ORDER BY 1, 2, 4

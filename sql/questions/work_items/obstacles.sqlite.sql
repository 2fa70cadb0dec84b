-- What keeps each of some items from being ready; the twin of sql/functions/obstacles.sql, which has the rule.
WITH RECURSIVE asked (id) AS (
    SELECT value FROM json_each(%(ids)s)
    UNION
    SELECT id FROM (SELECT id FROM work_items
        WHERE ledger_id = %(ledger)s AND generation = %(work_items)s AND id BETWEEN %(lowest)s AND %(highest)s
          AND json_array_length(%(ids)s) = 0
        ORDER BY id LIMIT 1)
),
item AS (
    SELECT found.id, found.title, found.status, found.category, found.item_type, found.hidden, found.parent_id,
           found.starts_at, found.waits_for, found.assignee, found.claimed_by, found.claimed_until, found.doc
    FROM asked
    JOIN work_items found ON found.ledger_id = %(ledger)s AND found.generation = %(work_items)s AND found.id = asked.id
),
line (id, above, parent_id, title, status, category, starts_at, waits_for) AS (
    SELECT item.id, item.id, item.parent_id, item.title, item.status, item.category, item.starts_at, item.waits_for FROM item
    UNION
    SELECT line.id, found.id, found.parent_id, found.title, found.status, found.category, found.starts_at, found.waits_for
    FROM line
    JOIN work_items found ON found.ledger_id = %(ledger)s AND found.generation = %(work_items)s AND found.id = line.parent_id
),
obstacle (id, place, reason, cause_id, title, status, category, by, until, rank) AS (
    SELECT item.id, 1, CASE WHEN item.hidden & 5 <> 0 THEN 'deleted' WHEN item.hidden = 2 THEN 'archived'
               WHEN item.category NOT IN ('planned', 'active') THEN 'status' ELSE 'milestone' END,
           item.id, item.title, item.status, item.category, NULL, NULL, 1
    FROM item WHERE item.hidden <> 0 OR item.category NOT IN ('planned', 'active') OR item.item_type = 'milestone'
    UNION ALL
    SELECT item.id, 2, 'claimed', item.id, item.title, item.status, item.category, item.claimed_by, item.claimed_until, 1
    FROM item WHERE item.claimed_until > %(moment)s AND json_extract(item.doc, '$.claim.token_digest') <> %(holder)s
    UNION ALL
    SELECT item.id, 2, 'assigned', item.id, item.title, item.status, item.category, item.assignee, NULL, 1
    FROM item WHERE item.category = 'active' AND item.status <> 'active'
      AND (item.assignee <> %(asker)s OR item.assignee IS NULL AND item.claimed_by IS NULL)
      AND coalesce(json_extract(item.doc, '$.claim.token_digest'), '') <> coalesce(nullif(%(holder)s, ''), '-')
    UNION ALL
    SELECT line.id, 2, CASE WHEN line.above = line.id THEN 'deferred' ELSE 'ancestor_deferred' END,
           line.above, line.title, line.status, line.category, NULL, line.starts_at, 1
    FROM line WHERE line.starts_at > %(moment)s AND (line.above = line.id OR line.category NOT IN ('done', 'dropped'))
    UNION ALL
    SELECT line.id, 2, CASE WHEN line.above = line.id THEN 'waiting' ELSE 'ancestor_waiting' END,
           line.above, line.title, line.status, line.category, line.waits_for, NULL, 1
    FROM line WHERE line.waits_for IS NOT NULL
    UNION ALL
    SELECT line.id, 2, 'ancestor_status', line.above, line.title, line.status, line.category, NULL, NULL, 1
    FROM line WHERE line.above <> line.id AND line.category IN ('waiting', 'dropped')
    UNION ALL
    SELECT line.id, 3, CASE WHEN line.above = line.id THEN 'blocker' ELSE 'ancestor_blocker' END,
           other.id, other.title, other.status, other.category, NULL, NULL,
           row_number() OVER (PARTITION BY line.id, line.above ORDER BY other.id)
    FROM line
    JOIN entries link ON link.ledger_id = %(ledger)s AND link.generation = %(work_items)s
        AND link.relation = 'blocks' AND link.target = line.above
    JOIN work_items other ON other.ledger_id = %(ledger)s AND other.generation = %(work_items)s AND other.id = link.id
    WHERE other.category NOT IN ('done', 'dropped') AND other.hidden IN (0, 2)
    UNION ALL
    SELECT asked.id, 4, 'child', other.id, other.title, other.status, other.category, NULL, NULL,
           row_number() OVER (PARTITION BY asked.id ORDER BY other.id)
    FROM asked
    CROSS JOIN work_items other INDEXED BY work_items_children
        ON other.ledger_id = %(ledger)s AND other.generation = %(work_items)s AND other.parent_id = asked.id
    WHERE other.category NOT IN ('done', 'dropped') AND other.hidden IN (0, 2)
)
SELECT id, place, reason, cause_id, title, status, category, by, until, NULL AS version, NULL AS position, NULL AS doc, NULL AS alike
FROM obstacle WHERE rank <= %(most)s
UNION ALL
SELECT found.id, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, found.version, found.position, found.doc,
       (SELECT other.id FROM work_items other
        WHERE other.ledger_id = %(ledger)s AND other.generation = %(work_items)s AND other.id BETWEEN %(first)s AND %(last)s
          AND other.id <> found.id
        ORDER BY other.id LIMIT 1)
FROM asked
JOIN work_items found ON found.ledger_id = %(ledger)s AND found.generation = %(work_items)s AND found.id = asked.id
WHERE %(last)s <> '' AND json_array_length(%(ids)s) = 0
ORDER BY id, place, cause_id, reason

-- Whether one moment (start or finish of an item) must come before another, by hierarchy and links, over any distance:
-- a start comes before its own finish and its children's starts, a finish before its parent's and before the starts of
-- what it blocks. Answered by the primary keys, work_items_children and entries_from.
WITH RECURSIVE reached (side, id) AS (
    SELECT CAST(%(first_side)s AS text), CAST(%(first_id)s AS text) COLLATE "C"
    UNION
    SELECT onward.side, onward.id
    FROM reached CROSS JOIN LATERAL (
        SELECT 'finish', reached.id WHERE reached.side = 'start'
        UNION ALL
        SELECT 'start', child.id FROM work_items child
        WHERE reached.side = 'start' AND child.ledger_id = %(ledger)s AND child.generation = %(work_items)s
          AND child.parent_id = reached.id AND child.hidden IN (0, 2) AND child.id <> %(without)s
        UNION ALL
        SELECT 'finish', item.parent_id FROM work_items item
        WHERE reached.side = 'finish' AND item.ledger_id = %(ledger)s AND item.generation = %(work_items)s
          AND item.id = reached.id AND item.parent_id IS NOT NULL AND item.id <> %(without)s
        UNION ALL
        SELECT 'start', link.target FROM entries link
        WHERE reached.side = 'finish' AND link.ledger_id = %(ledger)s AND link.generation = %(work_items)s
          AND link.id = reached.id AND link.relation = 'blocks'
    ) onward (side, id)
)
SELECT count(*) AS found FROM reached WHERE side = %(then_side)s AND id = %(then_id)s

-- Whether one moment (start or finish of an item) must come before another; see precedes.sql.
WITH RECURSIVE reached (side, id) AS (
    SELECT CAST(%(first_side)s AS text), CAST(%(first_id)s AS text)
    UNION
    SELECT 'finish', reached.id FROM reached WHERE reached.side = 'start'
    UNION
    SELECT 'start', child.id FROM reached JOIN work_items child INDEXED BY work_items_children
        ON child.ledger_id = %(ledger)s AND child.generation = %(work_items)s AND child.parent_id = reached.id
    WHERE reached.side = 'start' AND child.hidden IN (0, 2) AND child.id <> %(without)s
    UNION
    SELECT 'finish', item.parent_id FROM reached JOIN work_items item
        ON item.ledger_id = %(ledger)s AND item.generation = %(work_items)s AND item.id = reached.id
    WHERE reached.side = 'finish' AND item.parent_id IS NOT NULL AND item.id <> %(without)s
    UNION
    SELECT 'start', link.target FROM reached JOIN entries link
        ON link.ledger_id = %(ledger)s AND link.generation = %(work_items)s AND link.id = reached.id
    WHERE reached.side = 'finish' AND link.relation = 'blocks'
)
SELECT count(*) AS found FROM reached WHERE side = %(then_side)s AND id = %(then_id)s

-- The items whose id lies in the range that a reference can mean, whole, and the ids beside each for its own reference.
-- Answered by the primary key.
SELECT found.id, found.version, found.position, found.doc,
       (SELECT item.id FROM work_items item
        WHERE item.ledger_id = %(ledger)s AND item.generation = %(work_items)s AND item.id < found.id
        ORDER BY item.id DESC LIMIT 1) AS before,
       (SELECT item.id FROM work_items item
        WHERE item.ledger_id = %(ledger)s AND item.generation = %(work_items)s AND item.id > found.id
        ORDER BY item.id LIMIT 1) AS after
FROM work_items found
WHERE found.ledger_id = %(ledger)s AND found.generation = %(work_items)s AND found.id BETWEEN %(lowest)s AND %(highest)s
ORDER BY found.id LIMIT 10

-- The whole items whose id lies in the range that a reference can mean, each with another id in the range of its shortest
-- reference, if there is one: then its reference has to be asked for. Answered by the primary key.
SELECT found.id, found.version, found.position, found.doc,
       (SELECT other.id FROM work_items other
        WHERE other.ledger_id = %(ledger)s AND other.generation = %(work_items)s
          AND other.id BETWEEN %(first)s AND %(last)s AND other.id <> found.id
        ORDER BY other.id LIMIT 1) AS alike
FROM work_items found
WHERE found.ledger_id = %(ledger)s AND found.generation = %(work_items)s AND found.id BETWEEN %(lowest)s AND %(highest)s
ORDER BY found.id LIMIT 10

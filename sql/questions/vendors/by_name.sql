-- The vendor of a name, and another whose id begins like its own, if there is one: then its reference has to be
-- asked for. Answered by vendors_by_name and the primary key.
SELECT found.id, found.version, found.position, found.doc,
       (SELECT other.id FROM vendors other
        WHERE other.ledger_id = %(ledger)s AND other.generation = %(vendors)s
          AND other.id BETWEEN substr(found.id, 1, 6) AND substr(found.id, 1, 6) || 'g' AND other.id <> found.id
        ORDER BY other.id LIMIT 1) AS alike
FROM vendors found
WHERE found.ledger_id = %(ledger)s AND found.generation = %(vendors)s AND found.name_key = %(name_key)s AND found.withdrawn = 0
ORDER BY found.id

-- The vendor of a name, and the ids beside it for its reference. SQLite without statistics has to be told the index,
-- vendors_by_name; the ids beside come from the primary key.
SELECT found.id, found.version, found.position, found.doc,
       (SELECT v.id FROM vendors v
        WHERE v.ledger_id = %(ledger)s AND v.generation = %(vendors)s AND v.id < found.id
        ORDER BY v.id DESC LIMIT 1) AS before,
       (SELECT v.id FROM vendors v
        WHERE v.ledger_id = %(ledger)s AND v.generation = %(vendors)s AND v.id > found.id
        ORDER BY v.id LIMIT 1) AS after
FROM vendors found INDEXED BY vendors_by_name
WHERE found.ledger_id = %(ledger)s AND found.generation = %(vendors)s AND found.name_key = %(name_key)s AND found.withdrawn = 0
ORDER BY found.id

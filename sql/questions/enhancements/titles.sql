-- The titles of all enhancements, the oldest first. Answered by the primary key of enhancements.
SELECT enhancement.id, enhancement.doc ->> 'title' AS title FROM enhancements enhancement
WHERE enhancement.ledger_id = %(ledger)s AND enhancement.generation = %(enhancements)s AND enhancement.withdrawn = 0
ORDER BY enhancement.doc ->> 'created_at', enhancement.id

-- Unfinished enhancements whose work is done: some item is completed, and none is open. Answered by the primary keys of
-- entries, work_items and enhancements.
SELECT enhancement.id, enhancement.version, enhancement.position, enhancement.doc
FROM (SELECT entry.target AS id FROM entries entry
      JOIN work_items item ON item.ledger_id = %(ledger)s AND item.generation = %(work_items)s AND item.id = entry.id
      WHERE entry.ledger_id = %(ledger)s AND entry.generation = %(work_items)s AND entry.relation = 'implements'
        AND item.hidden IN (0, 2)
      GROUP BY entry.target
      HAVING max(CASE WHEN item.category IN ('done', 'dropped') THEN 0 ELSE 1 END) = 0
         AND max(CASE WHEN item.category = 'done' THEN 1 ELSE 0 END) = 1) ended
JOIN enhancements enhancement
    ON enhancement.ledger_id = %(ledger)s AND enhancement.generation = %(enhancements)s AND enhancement.id = ended.id
WHERE enhancement.withdrawn = 0 AND coalesce(enhancement.status, '') NOT IN ('completed', 'dropped')
ORDER BY enhancement.id
LIMIT %(limit)s

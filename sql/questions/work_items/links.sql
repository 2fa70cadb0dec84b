-- Every link of an item with the item at its other end. Answered by the primary keys of entries and work_items.
SELECT own.relation, 'out' AS direction, other.id, other.title, other.status
FROM (SELECT link.relation, link.target FROM entries link
      WHERE link.ledger_id = %(ledger)s AND link.generation = %(work_items)s AND link.id = %(id)s
        -- generated: link kinds
        AND link.relation IN ('blocks', 'relates_to', 'discovered_from', 'duplicates')
        -- end
     ) own
JOIN work_items other ON other.ledger_id = %(ledger)s AND other.generation = %(work_items)s AND other.id = own.target
UNION ALL
SELECT link.relation, 'in', other.id, other.title, other.status
FROM entries link
JOIN work_items other ON other.ledger_id = %(ledger)s AND other.generation = %(work_items)s AND other.id = link.id
WHERE link.ledger_id = %(ledger)s AND link.generation = %(work_items)s AND link.target = %(id)s
  -- generated: link kinds
  AND link.relation IN ('blocks', 'relates_to', 'discovered_from', 'duplicates')
  -- end
ORDER BY 1, 2, 3

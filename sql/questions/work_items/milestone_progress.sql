-- How many living items of each category belong to a milestone, and the minutes they were estimated to take. Answered by
-- work_items_of_milestone.
SELECT item.category, count(*) AS items, coalesce(sum(item.estimate), 0) AS estimate FROM work_items item
WHERE item.ledger_id = %(ledger)s AND item.generation = %(work_items)s AND item.milestone_id = %(id)s
  AND item.hidden IN (0, 2)
GROUP BY item.category
ORDER BY item.category

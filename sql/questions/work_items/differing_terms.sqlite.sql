-- Which of some items are not found by exactly these words. Answered by the primary key.
SELECT asked.value AS id FROM json_each(%(ids)s) asked
LEFT JOIN work_item_terms stored
    ON stored.ledger_id = %(ledger)s AND stored.generation = %(work_items)s AND stored.id = asked.value
WHERE stored.terms IS NOT coalesce(json_extract(%(words)s, '$[' || asked.key || ']'), '')
ORDER BY 1

-- The deployments that name a work item, newest first. Answered by the primary keys of entries and deployments.
SELECT deployment.id, deployment.version, deployment.position, deployment.doc
FROM entries entry CROSS JOIN deployments deployment
WHERE entry.ledger_id = %(ledger)s AND entry.generation = %(deployments)s
  AND entry.relation = 'deployed_work_item' AND entry.target = %(work_item)s
  AND deployment.ledger_id = %(ledger)s AND deployment.generation = %(deployments)s AND deployment.id = entry.id
  AND deployment.withdrawn = 0
ORDER BY deployment.deployed_at DESC, deployment.id DESC

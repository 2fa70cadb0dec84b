-- How many deployments a filter lets through. Answered by the primary key, and that of entries.
SELECT count(*) AS total FROM deployments deployment
WHERE deployment.ledger_id = %(ledger)s AND deployment.generation = %(deployments)s
  -- generated: filters of deployments
  AND deployment.withdrawn = 0
  AND (CAST(%(earliest)s AS text) IS NULL OR deployment.deployed_at >= %(earliest)s)
  AND (CAST(%(latest)s AS text) IS NULL OR (deployment.deployed_at <= %(latest)s AND deployment.deployed_at <> ''))
  AND (CAST(%(environment)s AS text) IS NULL OR deployment.environment = %(environment)s)
  AND (CAST(%(vendor)s AS text) IS NULL OR deployment.id IN (
      SELECT entry.id FROM entries entry
      WHERE entry.ledger_id = %(ledger)s AND entry.generation = %(deployments)s
        AND entry.relation = 'deployed_vendor' AND entry.target = %(vendor)s))
  AND (CAST(%(work_item)s AS text) IS NULL OR deployment.id IN (
      SELECT entry.id FROM entries entry
      WHERE entry.ledger_id = %(ledger)s AND entry.generation = %(deployments)s
        AND entry.relation = 'deployed_work_item' AND entry.target = %(work_item)s))
  AND (CAST(%(pr_number)s AS text) IS NULL OR deployment.id IN (
      SELECT entry.id FROM entries entry
      WHERE entry.ledger_id = %(ledger)s AND entry.generation = %(deployments)s
        AND entry.relation = 'pr_number' AND entry.target = %(pr_number)s))
  AND (CAST(%(commit_from)s AS text) IS NULL OR deployment.id IN (
      SELECT entry.id FROM entries entry
      WHERE entry.ledger_id = %(ledger)s AND entry.generation = %(deployments)s
        AND entry.relation = 'commit' AND entry.target BETWEEN %(commit_from)s AND %(commit_to)s))
  -- end

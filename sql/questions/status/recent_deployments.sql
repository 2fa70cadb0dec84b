-- The newest deployments whose time is known. Answered by deployments_by_time.
SELECT id, version, position, doc FROM deployments
WHERE ledger_id = %(ledger)s AND generation = %(deployments)s AND deployed_at IS NOT NULL
  AND doc ->> 'withdrawn' IS NULL
ORDER BY deployed_at DESC, id DESC
LIMIT %(limit)s

-- How many deployments there are. Answered by the primary key of deployments.
SELECT count(*) AS deployments FROM deployments
WHERE ledger_id = %(ledger)s AND generation = %(deployments)s AND withdrawn = 0

-- How many conflicts there are of one status. Answered by conflicts_by_status.
SELECT count(*) AS total FROM conflicts conflict
WHERE conflict.ledger_id = %(ledger)s AND conflict.generation = %(conflicts)s AND conflict.status = %(status)s

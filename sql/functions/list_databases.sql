-- The databases of this directory, with how many ledgers lie in each.
CREATE OR REPLACE FUNCTION tracking_ledger.list_databases()
RETURNS TABLE (name text, takes_new boolean, ledgers bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = tracking_ledger, pg_temp AS $$
    SELECT d.name, d.takes_new, count(l.ledger_id)
    FROM databases d LEFT JOIN ledgers l ON database_of(l.reason, l.successor) = d.name
    GROUP BY d.name, d.takes_new ORDER BY d.name <> 'directory', d.name
$$;

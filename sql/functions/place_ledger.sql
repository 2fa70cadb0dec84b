-- Places a ledger that is new: in the database of that name, else in the one with the fewest. Answers where it lies, also
-- one that is known already; NULL when there is no such database, or none that takes new ledgers.
CREATE OR REPLACE FUNCTION tracking_ledger.place_ledger(p_ledger uuid, p_name text, p_database text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = tracking_ledger, pg_temp AS $$
DECLARE
    v_database text;
BEGIN
    IF NOT EXISTS (SELECT FROM ledgers l WHERE l.ledger_id = p_ledger) THEN
        PERFORM FROM databases d ORDER BY d.name FOR NO KEY UPDATE;  -- one at a time, or two would see the same counts
    END IF;
    SELECT coalesce(database_of(l.reason, l.successor), 'directory') INTO v_database FROM ledgers l WHERE l.ledger_id = p_ledger;
    IF FOUND THEN
        PERFORM require_member(p_ledger);
        RETURN v_database;
    END IF;
    SELECT d.name INTO v_database
    FROM databases d LEFT JOIN ledgers l ON database_of(l.reason, l.successor) = d.name
    WHERE CASE WHEN p_database IS NULL THEN d.takes_new ELSE d.name = p_database END
    GROUP BY d.name ORDER BY count(l.ledger_id), d.name = 'directory', d.name LIMIT 1;
    IF v_database <> 'directory' THEN
        PERFORM create_ledger(p_ledger, p_name);
        UPDATE ledgers l SET state = 'closed', reason = 'moved', successor = 'service=' || v_database
        WHERE l.ledger_id = p_ledger;
    END IF;
    RETURN v_database;
END
$$;

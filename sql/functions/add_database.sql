-- Makes a database known to this directory, with the ledgers that it has already. For the owner only.
--
-- `p_ledgers` are what list_own_ledgers answered there. Answers those that lie somewhere else by this directory: if there
-- is one, nothing is changed.
CREATE OR REPLACE FUNCTION tracking_ledger.add_database(p_name text, p_takes_new boolean, p_ledgers json) RETURNS SETOF uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = tracking_ledger, pg_temp AS $$
DECLARE
    v_given record;
BEGIN
    RETURN QUERY
    SELECT l.ledger_id FROM ledgers l JOIN json_to_recordset(p_ledgers) AS g (ledger_id uuid) ON g.ledger_id = l.ledger_id
    WHERE database_of(l.reason, l.successor) <> p_name ORDER BY l.ledger_id;
    IF FOUND THEN
        RETURN;
    END IF;
    INSERT INTO databases (name, takes_new) VALUES (p_name, p_takes_new)
    ON CONFLICT (name) DO UPDATE SET takes_new = excluded.takes_new;
    FOR v_given IN SELECT * FROM json_to_recordset(p_ledgers) AS g (ledger_id uuid, origin uuid, name text, members name[]) LOOP
        PERFORM set_config('ledger.id', v_given.ledger_id::text, true);
        INSERT INTO ledgers (ledger_id, origin, name, state, reason, successor)
        VALUES (v_given.ledger_id, v_given.origin, v_given.name, 'closed', 'moved', 'service=' || p_name)
        ON CONFLICT (ledger_id) DO UPDATE SET successor = excluded.successor;
        INSERT INTO work_alone (ledger_id, work) VALUES (v_given.ledger_id, 'moving'), (v_given.ledger_id, 'rebuilding')
        ON CONFLICT DO NOTHING;
        INSERT INTO ledger_members (ledger_id, member) SELECT v_given.ledger_id, m.member FROM unnest(v_given.members) AS m (member)
        ON CONFLICT DO NOTHING;
    END LOOP;
END
$$;

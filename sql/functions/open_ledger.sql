-- Makes sure that a ledger and the read models of this program are known here, as every process does at its start: one look where
-- they are, which spares it two functions whose statements a new session plans for this only. True if the ledger is new. A server
-- that cannot be written to, as one that became a standby, is no way to the ledger: create_ledger says so.
CREATE OR REPLACE FUNCTION tracking_ledger.open_ledger(p_ledger uuid, p_name text, p_shapes json) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = tracking_ledger, pg_temp AS $$
DECLARE
    v_created boolean := false;
BEGIN
    IF current_setting('transaction_read_only')::boolean
       OR NOT EXISTS (SELECT FROM ledgers l
                      WHERE l.ledger_id = p_ledger AND coalesce(l.reason, '') NOT IN ('moved', 'arriving')
                        AND l.serving ?& (SELECT array_agg(s.key || ':' || s.value) FROM json_each_text(p_shapes) s)
                        AND EXISTS (SELECT FROM ledger_members m WHERE m.ledger_id = p_ledger AND m.member = session_user)) THEN
        v_created := create_ledger(p_ledger, p_name);
        PERFORM register_projections(p_ledger, p_shapes);
    END IF;
    RETURN v_created;
END
$$;

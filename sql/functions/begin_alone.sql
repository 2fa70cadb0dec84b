-- Whether this transaction alone does such work on the ledger until it ends; false if another does already.
CREATE OR REPLACE FUNCTION tracking_ledger.begin_alone(p_ledger uuid, p_work text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM tracking_ledger.work_alone w WHERE w.ledger_id = p_ledger AND w.work = p_work FOR UPDATE SKIP LOCKED;
    RETURN FOUND;
END
$$;

-- Whether this transaction alone moves the ledger away from here; false if another does already.
CREATE OR REPLACE FUNCTION tracking_ledger.begin_moving(p_ledger uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = tracking_ledger, pg_temp AS $$
BEGIN
    PERFORM require_member(p_ledger);
    PERFORM set_config('idle_in_transaction_session_timeout', '0', true);  -- it is held while others work
    RETURN begin_alone(p_ledger, 'moving');
END
$$;

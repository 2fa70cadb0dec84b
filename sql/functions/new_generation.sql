-- A number for a generation that is being built. Nothing serves it until serve_generation says so.
CREATE OR REPLACE FUNCTION tracking_ledger.new_generation(p_ledger uuid) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = tracking_ledger, pg_temp AS $$
BEGIN
    PERFORM require_member(p_ledger);
    RETURN nextval('generations');
END
$$;

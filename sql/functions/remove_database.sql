-- Takes a database out of this directory, unless ledgers lie there; answers how many do. For the owner only.
CREATE OR REPLACE FUNCTION tracking_ledger.remove_database(p_name text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = tracking_ledger, pg_temp AS $$
DECLARE
    v_left bigint;
BEGIN
    PERFORM FROM databases d WHERE d.name = p_name FOR UPDATE;
    SELECT count(*) INTO v_left FROM ledgers l WHERE database_of(l.reason, l.successor) = p_name;
    IF v_left = 0 THEN
        DELETE FROM databases d WHERE d.name = p_name;
    END IF;
    RETURN v_left;
END
$$;

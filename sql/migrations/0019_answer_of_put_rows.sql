-- put_rows answers how many rows it put: one that answers nothing cannot be replaced by it, and is made anew.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_proc WHERE oid = to_regprocedure(
                   'tracking_ledger.put_rows(uuid, text, bigint, json, jsonb[], bigint)') AND prorettype = 'void'::regtype) THEN
        DROP FUNCTION tracking_ledger.put_rows(uuid, text, bigint, json, jsonb[], bigint);
    END IF;
END
$$;

-- Lets a complete generation serve, and retires the one it replaces. Called under the ledger's lock.
CREATE OR REPLACE FUNCTION tracking_ledger.serve_generation(p_ledger uuid, p_projection text, p_shape int, p_generation bigint)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = tracking_ledger, pg_temp AS $$
DECLARE
    v_old bigint;
BEGIN
    PERFORM lock_for_writing(p_ledger);
    SELECT generation INTO v_old FROM projections
    WHERE ledger_id = p_ledger AND projection = p_projection AND shape = p_shape;
    INSERT INTO projections (ledger_id, projection, shape, generation) VALUES (p_ledger, p_projection, p_shape, p_generation)
    ON CONFLICT (ledger_id, projection, shape) DO UPDATE SET generation = excluded.generation, behind_after = NULL;
    IF v_old <> p_generation THEN  -- not when one that was behind has caught up
        INSERT INTO retired (ledger_id, projection, generation) VALUES (p_ledger, p_projection, v_old);
    END IF;
END
$$;

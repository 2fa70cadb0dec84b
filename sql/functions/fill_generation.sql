-- Puts replayed rows into a generation that does not serve yet. Here each row brings its own position.
CREATE OR REPLACE FUNCTION tracking_ledger.fill_generation(p_ledger uuid, p_projection text, p_generation bigint, p_rows jsonb)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = tracking_ledger, pg_temp AS $$
BEGIN
    PERFORM require_member(p_ledger);
    IF EXISTS (SELECT FROM projections p WHERE p.ledger_id = p_ledger AND p.generation = p_generation) THEN
        RAISE EXCEPTION 'generation % serves and is written by appends only', p_generation USING ERRCODE = 'TL007';
    END IF;
    PERFORM put_rows(p_ledger, p_projection, p_generation, p_rows, 0);
END
$$;

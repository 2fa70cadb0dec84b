-- Keeps at the ledger which generations of its read models serve: an append reads the ledger's row anyway. The lock comes
-- first, so that the question after it sees what others have changed.
CREATE OR REPLACE FUNCTION tracking_ledger.note_serving() RETURNS trigger
LANGUAGE plpgsql SET search_path = tracking_ledger, pg_temp AS $$
DECLARE
    v_ledger uuid := coalesce(NEW.ledger_id, OLD.ledger_id);
BEGIN
    PERFORM lock_ledger(v_ledger);
    UPDATE ledgers l SET serving = coalesce(
        (SELECT jsonb_object_agg(p.projection || ':' || p.shape, p.generation) FROM projections p
         WHERE p.ledger_id = v_ledger AND p.behind_after IS NULL), '{}')
    WHERE l.ledger_id = v_ledger;
    RETURN NULL;
END
$$;

-- Which generation serves a read model of one shape ("name:shape"), kept at the ledger: six rows of `projections` and what
-- guards them were an eighth of an append's work. See the function note_serving.
ALTER TABLE tracking_ledger.ledgers ADD COLUMN serving jsonb NOT NULL DEFAULT '{}';

CREATE FUNCTION tracking_ledger.note_serving() RETURNS trigger LANGUAGE plpgsql SET search_path = tracking_ledger, pg_temp AS $$
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

CREATE TRIGGER serving_is_noted AFTER INSERT OR UPDATE OR DELETE ON tracking_ledger.projections
    FOR EACH ROW EXECUTE FUNCTION tracking_ledger.note_serving();
-- whatever a role or a database sets as session_replication_role
ALTER TABLE tracking_ledger.projections ENABLE ALWAYS TRIGGER serving_is_noted;

DO $$
DECLARE
    v_ledger uuid;
BEGIN
    FOR v_ledger IN SELECT ledger_id FROM tracking_ledger.ledgers ORDER BY ledger_id FOR NO KEY UPDATE LOOP
        PERFORM set_config('ledger.id', v_ledger::text, true);  -- row security shows one ledger's
        UPDATE tracking_ledger.ledgers l SET serving = coalesce(
            (SELECT jsonb_object_agg(p.projection || ':' || p.shape, p.generation) FROM tracking_ledger.projections p
             WHERE p.ledger_id = v_ledger AND p.behind_after IS NULL), '{}')
        WHERE l.ledger_id = v_ledger;
    END LOOP;
    PERFORM set_config('ledger.id', '', true);
END
$$;

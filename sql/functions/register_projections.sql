-- Makes sure that each read model of this program has a generation; one that starts beside recorded events is behind.
CREATE OR REPLACE FUNCTION tracking_ledger.register_projections(p_ledger uuid, p_shapes json) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = tracking_ledger, pg_temp AS $$
BEGIN
    PERFORM require_member(p_ledger);
    IF (SELECT count(*) FROM json_each_text(p_shapes) s JOIN projections p
        ON p.ledger_id = p_ledger AND p.projection = s.key AND p.shape = s.value::int)
       = (SELECT count(*) FROM json_each_text(p_shapes)) THEN
        RETURN;
    END IF;
    PERFORM lock_ledger(p_ledger);
    INSERT INTO projections (ledger_id, projection, shape, generation, behind_after)
    SELECT p_ledger, s.key, s.value::int, nextval('generations'),
           CASE WHEN EXISTS (SELECT FROM events WHERE ledger_id = p_ledger) THEN 0 END
    FROM json_each_text(p_shapes) s
    ON CONFLICT DO NOTHING;
END
$$;

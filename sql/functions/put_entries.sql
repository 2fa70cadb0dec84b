-- Puts the entries that rows gained; a value that must be unique and is taken is refused (TL006) with its holder.
CREATE OR REPLACE FUNCTION tracking_ledger.put_entries(p_ledger uuid, p_generation bigint, p_rows jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_taken record;
BEGIN
    INSERT INTO entries (ledger_id, generation, relation, target, id)
    SELECT p_ledger, p_generation, a ->> 0, a ->> 1, r.id
    FROM jsonb_to_recordset(p_rows) AS r (id text, added jsonb), jsonb_array_elements(r.added) AS a
    ON CONFLICT (ledger_id, generation, relation, target, id) DO NOTHING;
EXCEPTION WHEN unique_violation THEN
    SELECT a ->> 0 AS relation, a ->> 1 AS target, holder.id INTO v_taken
    FROM jsonb_to_recordset(p_rows) AS r (id text, added jsonb), jsonb_array_elements(r.added) AS a, LATERAL (
        SELECT e.id FROM entries e
        WHERE e.ledger_id = p_ledger AND e.generation = p_generation AND e.relation = a ->> 0 AND e.target = a ->> 1
        UNION ALL  -- or another row of this very command
        SELECT other.id FROM jsonb_to_recordset(p_rows) AS other (id text, added jsonb)
        WHERE other.added @> jsonb_build_array(a)) holder
    WHERE a ->> 0 IN ('vendor_name', 'external_id', 'deployment_key') AND holder.id <> r.id LIMIT 1;
    RAISE EXCEPTION '% % is taken', v_taken.relation, v_taken.target USING ERRCODE = 'TL006', DETAIL = row_to_json(v_taken);
END
$$;

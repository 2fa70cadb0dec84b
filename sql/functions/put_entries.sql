-- Takes away the entries that rows lost and puts those that they gained; a value that must be unique and is taken is refused
-- (TL006) with its holder. `p_entries` is {dropped?, added?}, lists of [id, relation, target], of a tag with its
-- place in lists: [id, relation, target, day, hidden, status, category]. One that is there gets the place that it has now.
CREATE OR REPLACE FUNCTION tracking_ledger.put_entries(p_ledger uuid, p_generation bigint, p_entries json)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_dropped json := p_entries -> 'dropped';
    v_added   json := p_entries -> 'added';
    v_gone    record;
    v_taken   record;
BEGIN
    IF v_dropped IS NOT NULL THEN
        FOR v_gone IN SELECT d ->> 1 AS relation, d ->> 2 AS target, d ->> 0 AS id FROM json_array_elements(v_dropped) d LOOP
            DELETE FROM entries e  -- each by its key: a join reads all of a small table or a young one
            WHERE e.ledger_id = p_ledger AND e.generation = p_generation
              AND e.relation = v_gone.relation AND e.target = v_gone.target AND e.id = v_gone.id;
        END LOOP;
    END IF;
    IF v_added IS NOT NULL THEN
        INSERT INTO entries (ledger_id, generation, relation, target, id, day, hidden, status, category)
        SELECT p_ledger, p_generation, a ->> 1, a ->> 2, a ->> 0, a ->> 3, (a ->> 4)::int, a ->> 5, a ->> 6
        FROM json_array_elements(v_added) a
        ON CONFLICT (ledger_id, generation, relation, target, id)
        DO UPDATE SET (day, hidden, status, category) = (excluded.day, excluded.hidden, excluded.status, excluded.category)
        WHERE excluded.day IS NOT NULL;
    END IF;
EXCEPTION WHEN unique_violation THEN
    SELECT a ->> 1 AS relation, a ->> 2 AS target, holder.id INTO v_taken
    FROM json_array_elements(v_added) a, LATERAL (
        SELECT e.id FROM entries e
        WHERE e.ledger_id = p_ledger AND e.generation = p_generation AND e.relation = a ->> 1 AND e.target = a ->> 2
        UNION ALL  -- or another row of this very command
        SELECT other ->> 0 FROM json_array_elements(v_added) other
        WHERE other ->> 1 = a ->> 1 AND other ->> 2 = a ->> 2) holder
    WHERE holder.id <> a ->> 0
      -- generated: unique relations
      AND a ->> 1 IN ('external_id', 'vendor_name', 'deployment_key')
      -- end
    LIMIT 1;
    RAISE EXCEPTION '% % is taken', v_taken.relation, v_taken.target USING ERRCODE = 'TL006', DETAIL = row_to_json(v_taken);
END
$$;

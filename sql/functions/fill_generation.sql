-- Puts replayed rows into a generation that does not serve: a new one, or one that is behind (then under the lock).
-- Here each row's n is its position. The rest is what append_events is given for one read model. Where all are new, what holds
-- an item up is left to mark_generation: to look around each row would take longer than to write it.
CREATE OR REPLACE FUNCTION tracking_ledger.fill_generation(
    p_ledger uuid, p_projection text, p_generation bigint, p_rows json, p_entries json, p_documents text,
    p_are_new boolean)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = tracking_ledger, pg_temp AS $$
DECLARE
    v_found     record;
    v_given     record;
    v_documents jsonb[] := string_to_array(p_documents, E'\n');
    v_done      int;
BEGIN
    PERFORM require_member(p_ledger);
    SELECT p.projection, p.behind_after INTO v_found
    FROM projections p WHERE p.ledger_id = p_ledger AND p.generation = p_generation;
    IF FOUND THEN
        PERFORM lock_ledger(p_ledger);
        IF NOT EXISTS (SELECT FROM projections p WHERE p.ledger_id = p_ledger AND p.generation = p_generation
                       AND p.projection = p_projection AND p.behind_after IS NOT NULL) THEN
            RAISE EXCEPTION 'generation % serves and is written by appends only', p_generation USING ERRCODE = 'TL007',
                DETAIL = json_build_object('projection', p_projection, 'generation', p_generation);
        END IF;
    END IF;
    SELECT array_agg(r.id ORDER BY r.place) AS ids, array_agg(r.version ORDER BY r.place) AS versions,
           array_agg(r.n ORDER BY r.place) AS ns, array_agg(r.terms ORDER BY r.place) AS terms
    INTO v_given
    FROM ROWS FROM (json_to_recordset(p_rows) AS (id text, version int, n bigint, terms text))
         WITH ORDINALITY AS r (id, version, n, terms, place);
    IF p_are_new THEN
        PERFORM set_config('ledger.filling', p_generation::text, true);
        v_done := add_rows(p_ledger, p_projection, p_generation, v_given.ids, v_given.versions, v_given.ns, v_given.terms, v_documents, 0);
    ELSE
        v_done := put_rows(p_ledger, p_projection, p_generation, v_given.ids, v_given.versions, v_given.ns, v_given.terms, v_documents, 0);
    END IF;
    PERFORM put_entries(p_ledger, p_generation, p_entries);
    PERFORM set_config('ledger.filling', '', true);
    IF NOT p_are_new  -- what holds one of these up may have come before it
       -- generated: read models with marks
       AND p_projection IN ('work_items')
       -- end
    THEN
        PERFORM mark_held(p_ledger, p_generation, given.id) FROM unnest(v_given.ids) given (id);
    END IF;
END
$$;

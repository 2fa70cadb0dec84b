-- The work items that hold all of some terms, with what the hits weigh: 4 in the title, 3 in a tag, 1 in another text.
-- A term that ends in * is the beginning of a word. See projections/read_models/search_terms.py.
CREATE OR REPLACE FUNCTION tracking_ledger.matching(p_ledger uuid, p_generation bigint, p_terms text[])
RETURNS TABLE (id text, score bigint) LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100
SET search_path = tracking_ledger, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    v_words text[];  -- each as a tsquery that lacks the class it is looked for in
    v_all   tsquery;
BEGIN
    PERFORM require_member(p_ledger);
    SELECT array_agg('''' || replace(replace(rtrim(t, '*'), '\', '\\'), '''', '''''') || ''':' || CASE WHEN t LIKE '%*' THEN '*' ELSE '' END)
    INTO v_words FROM unnest(p_terms) t;
    SELECT string_agg(w || 'ABD', ' & ')::tsquery INTO v_all FROM unnest(v_words) w;
    RETURN QUERY
    WITH found AS MATERIALIZED (  -- whatever the statistics say, the words are what there is least of
        SELECT t.* FROM work_item_terms t WHERE t.terms @@ v_all
    )
    SELECT t.id, (SELECT sum(4 * (t.terms @@ (w || 'A')::tsquery)::int + 3 * (t.terms @@ (w || 'B')::tsquery)::int
                             + (t.terms @@ (w || 'D')::tsquery)::int)
                  FROM unnest(v_words) w)
    FROM found t WHERE t.ledger_id = p_ledger AND t.generation = p_generation;
END
$$;

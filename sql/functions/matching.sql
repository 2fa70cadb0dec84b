-- The work items that hold all of some terms, with what the hits weigh: 4 in the title, 3 in a tag, 1 in another text. At most
-- so many, found by their words, or where `p_ids` is given those of these items.
-- A term that ends in * is the beginning of a word. See projections/read_models/search_terms.py.
CREATE OR REPLACE FUNCTION tracking_ledger.matching(p_ledger uuid, p_generation bigint, p_terms text[], p_ids text[], p_most bigint)
RETURNS TABLE (id text, score bigint) LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100
SET search_path = tracking_ledger, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    v_all    tsquery;
    v_titles tsquery[];  -- each term, looked for in one class
    v_tags   tsquery[];
    v_texts  tsquery[];
BEGIN
    PERFORM require_member(p_ledger);
    SELECT string_agg(w || 'ABD', ' & ')::tsquery,
           array_agg((w || 'A')::tsquery), array_agg((w || 'B')::tsquery), array_agg((w || 'D')::tsquery)
    INTO v_all, v_titles, v_tags, v_texts
    FROM (SELECT '''' || replace(replace(rtrim(t, '*'), '\', '\\'), '''', '''''') || ''':' || CASE WHEN t LIKE '%*' THEN '*' ELSE '' END
          FROM unnest(p_terms) t) words (w);
    IF p_ids IS NOT NULL THEN
        RETURN QUERY
        SELECT t.id, (SELECT sum(4 * (t.terms @@ q.title)::int + 3 * (t.terms @@ q.tag)::int + (t.terms @@ q.text)::int)
                      FROM unnest(v_titles, v_tags, v_texts) q (title, tag, text))
        FROM unnest(p_ids) asked (id) CROSS JOIN LATERAL (  -- one by one, whatever the statistics say
            SELECT own.id, own.terms FROM work_item_terms own
            WHERE own.ledger_id = p_ledger AND own.generation = p_generation AND own.id = asked.id AND own.terms @@ v_all
            LIMIT 1) t;
        RETURN;
    END IF;
    RETURN QUERY
    WITH found AS MATERIALIZED (  -- whatever the statistics say, the words are what there is least of
        SELECT t.* FROM work_item_terms t WHERE t.terms @@ v_all
    )
    SELECT t.id, (SELECT sum(4 * (t.terms @@ q.title)::int + 3 * (t.terms @@ q.tag)::int + (t.terms @@ q.text)::int)
                  FROM unnest(v_titles, v_tags, v_texts) q (title, tag, text))
    FROM found t WHERE t.ledger_id = p_ledger AND t.generation = p_generation
    LIMIT p_most;
END
$$;

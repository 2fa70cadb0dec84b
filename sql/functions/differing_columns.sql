-- Which rows of a read model have a column that is not what their document says, or a mark that other rows do not bear
-- out; what compares a read model with the log asks this. A mark may be missing where more than the first 20 would have to be
-- looked at (see mark_held); of a blocker it is missed there only, because lists of what is blocked begin with these marks.
CREATE OR REPLACE FUNCTION tracking_ledger.differing_columns(p_ledger uuid, p_projection text, p_generation bigint)
RETURNS TABLE (id text, field text, stored text, told text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = tracking_ledger, pg_temp AS $$
BEGIN
    PERFORM require_member(p_ledger);
    IF to_regproc(format('tracking_ledger.%I', 'columns_of_' || p_projection)) IS NULL THEN
        RETURN;  -- it has none
    END IF;
    RETURN QUERY EXECUTE format(
        $query$SELECT t.id, derived.key, to_jsonb(t) ->> derived.key, derived.value #>> '{}'
               FROM %I t, %I(t.doc) c, jsonb_each(to_jsonb(c)) derived
               WHERE t.ledger_id = $1 AND t.generation = $2 AND to_jsonb(t) -> derived.key IS DISTINCT FROM derived.value
               ORDER BY t.id, derived.key$query$, p_projection, 'columns_of_' || p_projection)
    USING p_ledger, p_generation;
    RETURN QUERY
    SELECT t.id, 'held', t.held::text, found.held::text
    FROM work_items t, held(p_ledger, p_generation, t.id) found (held)
    WHERE t.ledger_id = p_ledger AND t.generation = p_generation
      AND (t.held & ~found.held <> 0
           OR found.held & ~t.held & 1 = 1 AND 20 >= (
               SELECT count(*) FROM entries link
               WHERE link.ledger_id = p_ledger AND link.generation = p_generation AND link.relation = 'blocks'
                 AND link.target = t.id))
      -- generated: read models with marks
      AND p_projection IN ('work_items')
      -- end
    ;
END
$$;

-- Which of some rows are not found by exactly these words; what compares a read model with the log asks this.
CREATE OR REPLACE FUNCTION tracking_ledger.differing_terms(p_ledger uuid, p_generation bigint, p_ids text[], p_terms text[])
RETURNS TABLE (id text) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = tracking_ledger, pg_temp AS $$
BEGIN
    PERFORM require_member(p_ledger);
    RETURN QUERY
    SELECT asked.id FROM unnest(p_ids, p_terms) AS asked (id, terms)
    LEFT JOIN work_item_terms stored
        ON stored.ledger_id = p_ledger AND stored.generation = p_generation AND stored.id = asked.id COLLATE "C"
    WHERE asked.id IS NOT NULL AND stored.terms IS DISTINCT FROM coalesce(asked.terms, '')::tsvector;
END
$$;

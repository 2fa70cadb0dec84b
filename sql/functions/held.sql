-- What holds an item up that is unfinished and lives itself: 1 an item that blocks it, 2 a child, 3 both, 0 neither. The words
-- of the rule (see obstacles), which has the last one. It looks at all of them; what compares read models with the log asks this.
--
-- A young table has no statistics, and any index looks as good as the right one. So each look asks for the order of the index
-- that answers it, and sorting is ruled out; so do mark_held, hold_up and hold_*.
CREATE OR REPLACE FUNCTION tracking_ledger.held(p_ledger uuid, p_generation bigint, p_id text) RETURNS int
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan SET enable_sort = off SET jit = off AS $$
DECLARE
    v_held int;
BEGIN
    SELECT ((SELECT 1 FROM tracking_ledger.entries link
             CROSS JOIN LATERAL (
                 SELECT other.category, other.hidden FROM tracking_ledger.work_items other
                 WHERE other.ledger_id = p_ledger AND other.generation = p_generation AND other.id BETWEEN link.id AND link.id
                 ORDER BY other.id LIMIT 1) other
             WHERE link.ledger_id = p_ledger AND link.generation = p_generation AND link.relation = 'blocks'
               AND link.target BETWEEN p_id AND p_id AND other.category NOT IN ('done', 'dropped') AND other.hidden IN (0, 2)
             ORDER BY link.target LIMIT 1) IS NOT NULL)::int
         + 2 * ((SELECT 1 FROM tracking_ledger.work_items child
                 WHERE child.ledger_id = p_ledger AND child.generation = p_generation AND child.parent_id BETWEEN p_id AND p_id
                   AND child.category NOT IN ('done', 'dropped') AND child.hidden IN (0, 2)
                 ORDER BY child.parent_id LIMIT 1) IS NOT NULL)::int
    INTO v_held;
    RETURN v_held;
END
$$;

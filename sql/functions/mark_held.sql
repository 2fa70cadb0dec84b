-- Marks of an item what holds it up (see held) where something may hold it up no longer. Called under the ledger's lock.
--
-- It looks at the first 20 of each kind: to look past thousands that are finished, once for each more that is, would take longer
-- with each. Where none of these holds the item up it is not marked, though a later one may: then the rule says so.
CREATE OR REPLACE FUNCTION tracking_ledger.mark_held(p_ledger uuid, p_generation bigint, p_id text) RETURNS void
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_sort = off SET jit = off AS $$
DECLARE
    v_held  int;
    v_place tid;
BEGIN
    SELECT (EXISTS (
                SELECT FROM (
                    SELECT link.id FROM tracking_ledger.entries link
                    WHERE link.ledger_id = p_ledger AND link.generation = p_generation AND link.relation = 'blocks'
                      AND link.target BETWEEN p_id AND p_id
                    ORDER BY link.target LIMIT 20) link
                CROSS JOIN LATERAL (
                    SELECT other.category, other.hidden FROM tracking_ledger.work_items other
                    WHERE other.ledger_id = p_ledger AND other.generation = p_generation AND other.id BETWEEN link.id AND link.id
                    ORDER BY other.id LIMIT 1) other
                WHERE other.category NOT IN ('done', 'dropped') AND other.hidden IN (0, 2)))::int
         + 2 * (EXISTS (
                SELECT FROM (
                    SELECT child.category, child.hidden FROM tracking_ledger.work_items child
                    WHERE child.ledger_id = p_ledger AND child.generation = p_generation AND child.parent_id BETWEEN p_id AND p_id
                    ORDER BY child.parent_id LIMIT 20) child
                WHERE child.category NOT IN ('done', 'dropped') AND child.hidden IN (0, 2)))::int
    INTO v_held;
    SELECT item.ctid INTO v_place FROM tracking_ledger.work_items item
    WHERE item.ledger_id = p_ledger AND item.generation = p_generation AND item.id BETWEEN p_id AND p_id AND item.held <> v_held
    ORDER BY item.id LIMIT 1;
    IF FOUND THEN
        UPDATE tracking_ledger.work_items item SET held = v_held WHERE item.ledger_id = p_ledger AND item.ctid = v_place;
    END IF;
END
$$;

-- Marks what a new link blocks, if the item that has the link is unfinished. Called under the ledger's lock.
CREATE OR REPLACE FUNCTION tracking_ledger.mark_target(p_ledger uuid, p_generation bigint, p_id text, p_target text) RETURNS void
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_sort = off SET jit = off AS $$
DECLARE
    v_holds boolean;
BEGIN
    SELECT item.category NOT IN ('done', 'dropped') AND item.hidden IN (0, 2) INTO v_holds FROM tracking_ledger.work_items item
    WHERE item.ledger_id = p_ledger AND item.generation = p_generation AND item.id BETWEEN p_id AND p_id
    ORDER BY item.id LIMIT 1;
    IF v_holds THEN
        PERFORM tracking_ledger.hold_up(p_ledger, p_generation, p_target, 1);
    END IF;
END
$$;

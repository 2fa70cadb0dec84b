-- Marks that an unfinished child holds an item up. Called under the ledger's lock.
CREATE OR REPLACE FUNCTION tracking_ledger.mark_parent(p_ledger uuid, p_generation bigint, p_id text) RETURNS void
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_sort = off SET jit = off AS $$
DECLARE
    v_place tid;
BEGIN
    SELECT item.ctid INTO v_place FROM tracking_ledger.work_items item
    WHERE item.ledger_id = p_ledger AND item.generation = p_generation AND item.id BETWEEN p_id AND p_id
      AND item.held & 2 = 0
    ORDER BY item.id LIMIT 1;
    IF FOUND THEN
        UPDATE tracking_ledger.work_items item SET held = item.held | 2 WHERE item.ctid = v_place;
    END IF;
END
$$;

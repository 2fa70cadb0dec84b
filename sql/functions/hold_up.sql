-- Marks that an unfinished living item holds another one up, whose mark may have that bit already (see held). Called under the
-- ledger's lock.
CREATE OR REPLACE FUNCTION tracking_ledger.hold_up(p_ledger uuid, p_generation bigint, p_id text, p_bit int) RETURNS void
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_sort = off SET jit = off AS $$
DECLARE
    v_place tid;
BEGIN
    SELECT item.ctid INTO v_place FROM tracking_ledger.work_items item
    WHERE item.ledger_id = p_ledger AND item.generation = p_generation AND item.id BETWEEN p_id AND p_id
      AND item.held & p_bit = 0
    ORDER BY item.id LIMIT 1;
    IF FOUND THEN
        UPDATE tracking_ledger.work_items item SET held = item.held | p_bit WHERE item.ledger_id = p_ledger AND item.ctid = v_place;
    END IF;
END
$$;

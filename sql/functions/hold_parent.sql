-- A new unfinished item holds its parent up.
CREATE OR REPLACE FUNCTION tracking_ledger.hold_parent() RETURNS trigger
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_sort = off SET jit = off AS $$
DECLARE
    v_place tid;
BEGIN
    SELECT item.ctid INTO v_place FROM tracking_ledger.work_items item
    WHERE item.ledger_id = NEW.ledger_id AND item.generation = NEW.generation AND item.id BETWEEN NEW.parent_id AND NEW.parent_id
      AND item.held & 2 = 0
    ORDER BY item.id LIMIT 1;
    IF FOUND THEN
        UPDATE tracking_ledger.work_items item SET held = item.held | 2 WHERE item.ctid = v_place;
    END IF;
    RETURN NULL;
END
$$;

-- Marks what an item held up before or holds up now: those that it blocks, and its parents. Called under the ledger's lock.
CREATE OR REPLACE FUNCTION tracking_ledger.mark_others(
    p_ledger uuid, p_generation bigint, p_id text, p_holds boolean, p_parent_before text, p_parent text) RETURNS void
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_sort = off SET jit = off AS $$
DECLARE
    v_id text;
BEGIN
    FOR v_id IN SELECT link.target FROM tracking_ledger.entries link
                WHERE link.ledger_id = p_ledger AND link.generation = p_generation AND link.relation = 'blocks'
                  AND link.id BETWEEN p_id AND p_id
                ORDER BY link.id LOOP
        IF p_holds THEN
            PERFORM tracking_ledger.hold_up(p_ledger, p_generation, v_id, 1);
        ELSE
            PERFORM tracking_ledger.mark_held(p_ledger, p_generation, v_id);
        END IF;
    END LOOP;
    IF p_parent_before IS NOT NULL AND (NOT p_holds OR p_parent_before IS DISTINCT FROM p_parent) THEN
        PERFORM tracking_ledger.mark_held(p_ledger, p_generation, p_parent_before);
    END IF;
    IF p_holds AND p_parent IS NOT NULL THEN
        PERFORM tracking_ledger.hold_up(p_ledger, p_generation, p_parent, 2);
    END IF;
END
$$;

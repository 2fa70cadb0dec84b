-- The rule of readiness, here and nowhere else: what keeps each of some items, or else the first whose id lies in a range, from
-- being begun at a moment of ledger time by `p_asker`, who has the token of that digest. An item without a line is ready: its
-- category is planned or active, it is not hidden, no milestone and not deferred, another neither claims it nor has it in
-- hand, no unfinished living item blocks it or one of its ancestors, none of its ancestors was dropped, waits or is deferred,
-- and it has no unfinished living child. In its assignee's hands is what a state of the ledger's own calls active, in an
-- unknown person's if it has no assignee and was never claimed; the original word says only that it is not finished. Of
-- blockers and children `p_most` are named, for the item and for each ancestor. The lines come in no order.
--
-- To begin a statement of many tables costs the server more than to answer it, and of most items there is nothing to say. So
-- one item is glanced at first, then what is above it: where nothing can be in the way, the rule is not asked. With `p_last` the
-- item itself is told as well, in a line of the place 0 without a reason, and beside it another whose id lies between `p_first`
-- and `p_last`, if there is one: then its reference has to be asked for. The membership is asked once here, where row security
-- would ask it for each table. Answered by the primary keys and work_items_children, whatever the planner knows of the tables:
-- each look of the rule asks for a range in the order of its index (see held).
CREATE OR REPLACE FUNCTION tracking_ledger.obstacles(
    p_ledger uuid, p_generation bigint, p_ids text[], p_lowest text, p_highest text, p_first text, p_last text, p_moment text,
    p_asker text, p_holder text, p_most bigint)
RETURNS TABLE (id text, place int, reason text, cause_id text, title text, status text, category text, by text, until text,
               version int, "position" bigint, doc jsonb, alike text)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 10 SET search_path = tracking_ledger, pg_temp AS $$
DECLARE
    v_is_free boolean;  -- nothing can be in the way, as far as is known
    v_above   text;
    v_climbed int := 0;
BEGIN
    IF p_ids = '{}' THEN
        SELECT found.id, 0, found.version, found.position, found.doc,
               (SELECT other.id FROM work_items other
                WHERE other.ledger_id = p_ledger AND other.generation = p_generation AND other.id BETWEEN p_first AND p_last
                  AND other.id <> found.id
                ORDER BY other.id LIMIT 1),
               found.parent_id,
               (found.category = 'planned' OR found.category = 'active' AND found.status = 'active') AND found.hidden = 0
               AND found.item_type <> 'milestone' AND found.claimed_until IS NULL AND found.starts_at IS NULL AND found.waits_for IS NULL
               AND NOT EXISTS (SELECT FROM entries link
                               WHERE link.ledger_id = p_ledger AND link.generation = p_generation AND link.relation = 'blocks'
                                 AND link.target = found.id)
               AND NOT EXISTS (SELECT FROM work_items child
                               WHERE child.ledger_id = p_ledger AND child.generation = p_generation AND child.parent_id = found.id)
        INTO id, place, version, "position", doc, alike, v_above, v_is_free
        FROM work_items found
        WHERE found.ledger_id = p_ledger AND found.generation = p_generation AND found.id BETWEEN p_lowest AND p_highest
          AND (EXISTS (SELECT FROM ledger_members m WHERE m.ledger_id = p_ledger AND m.member = session_user)
               OR is_member(p_ledger))  -- by a role it has
        ORDER BY found.id LIMIT 1;
        IF place = 0 AND p_last <> '' THEN
            RETURN NEXT;
        END IF;
        WHILE v_is_free AND v_above IS NOT NULL LOOP
            SELECT found.parent_id, v_climbed + 1,
                   v_climbed < 20 AND found.category NOT IN ('waiting', 'dropped')  -- 20: of a cycle there is no end
                   AND found.starts_at IS NULL AND found.waits_for IS NULL
                   AND NOT EXISTS (SELECT FROM entries link
                                   WHERE link.ledger_id = p_ledger AND link.generation = p_generation AND link.relation = 'blocks'
                                     AND link.target = found.id)
            INTO v_above, v_climbed, v_is_free
            FROM work_items found
            WHERE found.ledger_id = p_ledger AND found.generation = p_generation AND found.id = v_above;
        END LOOP;
        IF v_is_free THEN
            RETURN;
        END IF;
    END IF;
    PERFORM require_member(p_ledger);
    RETURN QUERY
    SELECT found.*, NULL::int, NULL::bigint, NULL::jsonb, NULL FROM (
        WITH RECURSIVE item AS (  -- LIMIT keeps the planner from reading all items
            SELECT own.*
            FROM unnest(coalesce(nullif(p_ids, '{}'), ARRAY[p_lowest]),
                        coalesce(nullif(p_ids, '{}'), ARRAY[p_highest])) asked (lowest, highest)
            CROSS JOIN LATERAL (
                SELECT found.id, found.title, found.status, found.category, found.item_type, found.hidden, found.parent_id,
                       found.starts_at, found.waits_for, found.assignee, found.claimed_by, found.claimed_until,
                       found.doc -> 'claim' ->> 'token_digest' AS holder
                FROM work_items found
                WHERE found.ledger_id = p_ledger AND found.generation = p_generation
                  AND found.id BETWEEN asked.lowest AND asked.highest
                ORDER BY found.id LIMIT 1) own
        ),
        line (id, above, parent_id, title, status, category, starts_at, waits_for) AS (
            SELECT item.id, item.id, item.parent_id, item.title, item.status, item.category, item.starts_at, item.waits_for FROM item
            UNION
            SELECT line.id, upward.* FROM line CROSS JOIN LATERAL (
                SELECT found.id, found.parent_id, found.title, found.status, found.category, found.starts_at, found.waits_for
                FROM work_items found
                WHERE found.ledger_id = p_ledger AND found.generation = p_generation
                  AND found.id BETWEEN line.parent_id AND line.parent_id
                ORDER BY found.id LIMIT 1) upward
        )
        SELECT item.id, 1 AS place, CASE WHEN item.hidden & 5 <> 0 THEN 'deleted' WHEN item.hidden = 2 THEN 'archived'
                   WHEN item.category NOT IN ('planned', 'active') THEN 'status' ELSE 'milestone' END AS reason,
               item.id AS cause_id, item.title, item.status, item.category, NULL AS by, NULL AS until
        FROM item WHERE item.hidden <> 0 OR item.category NOT IN ('planned', 'active') OR item.item_type = 'milestone'
        UNION ALL
        SELECT item.id, 2, 'claimed', item.id, item.title, item.status, item.category, item.claimed_by, item.claimed_until
        FROM item WHERE item.claimed_until > p_moment AND item.holder <> p_holder
        UNION ALL
        SELECT item.id, 2, 'assigned', item.id, item.title, item.status, item.category, item.assignee, NULL
        FROM item WHERE item.category = 'active' AND item.status <> 'active'
          AND (item.assignee <> p_asker OR item.assignee IS NULL AND item.claimed_by IS NULL)
          AND coalesce(item.holder, '') <> coalesce(nullif(p_holder, ''), '-')
        UNION ALL
        SELECT line.id, 2, CASE WHEN line.above = line.id THEN 'deferred' ELSE 'ancestor_deferred' END,
               line.above, line.title, line.status, line.category, NULL, line.starts_at
        FROM line WHERE line.starts_at > p_moment AND (line.above = line.id OR line.category NOT IN ('done', 'dropped'))
        UNION ALL
        SELECT line.id, 2, CASE WHEN line.above = line.id THEN 'waiting' ELSE 'ancestor_waiting' END,
               line.above, line.title, line.status, line.category, line.waits_for, NULL
        FROM line WHERE line.waits_for IS NOT NULL
        UNION ALL
        SELECT line.id, 2, 'ancestor_status', line.above, line.title, line.status, line.category, NULL, NULL
        FROM line WHERE line.above <> line.id AND line.category IN ('waiting', 'dropped')
        UNION ALL
        SELECT line.id, 3, CASE WHEN line.above = line.id THEN 'blocker' ELSE 'ancestor_blocker' END,
               blocker.id, blocker.title, blocker.status, blocker.category, NULL, NULL
        FROM line CROSS JOIN LATERAL (
            SELECT other.id, other.title, other.status, other.category FROM entries link
            CROSS JOIN LATERAL (
                SELECT own.id, own.title, own.status, own.category, own.hidden FROM work_items own
                WHERE own.ledger_id = p_ledger AND own.generation = p_generation AND own.id BETWEEN link.id AND link.id
                ORDER BY own.id LIMIT 1) other
            WHERE link.ledger_id = p_ledger AND link.generation = p_generation AND link.relation = 'blocks'
              AND link.target BETWEEN line.above AND line.above
              AND other.category NOT IN ('done', 'dropped') AND other.hidden IN (0, 2)
            ORDER BY link.target, link.id LIMIT p_most) blocker
        UNION ALL
        SELECT item.id, 4, 'child', child.id, child.title, child.status, child.category, NULL, NULL
        FROM item CROSS JOIN LATERAL (
            SELECT other.id, other.title, other.status, other.category FROM work_items other
            WHERE other.ledger_id = p_ledger AND other.generation = p_generation
              AND other.parent_id BETWEEN item.id AND item.id
              AND other.category NOT IN ('done', 'dropped') AND other.hidden IN (0, 2)
            ORDER BY other.parent_id, other.id LIMIT p_most) child
    ) found;
END
$$;

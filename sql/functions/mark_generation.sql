-- Marks what holds up each item of a generation that was filled with new rows (see held): all at once, before it
-- serves. Without nested loops, as there are no statistics of it yet.
CREATE OR REPLACE FUNCTION tracking_ledger.mark_generation(p_ledger uuid, p_generation bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = tracking_ledger, pg_temp
SET enable_nestloop = off SET enable_seqscan = on SET jit = off AS $$
BEGIN
    PERFORM require_member(p_ledger);
    IF EXISTS (SELECT FROM projections p WHERE p.ledger_id = p_ledger AND p.generation = p_generation) THEN
        PERFORM lock_ledger(p_ledger);  -- so that no append changes what is looked at
    END IF;
    UPDATE work_items item SET held = found.held
    FROM (SELECT holding.id, bit_or(holding.bit) AS held
          FROM (SELECT child.parent_id AS id, 2 AS bit FROM work_items child
                WHERE child.ledger_id = p_ledger AND child.generation = p_generation AND child.parent_id IS NOT NULL
                  AND child.category NOT IN ('done', 'dropped') AND child.hidden IN (0, 2)
                UNION ALL
                SELECT link.target, 1 FROM entries link
                JOIN work_items other ON other.ledger_id = p_ledger AND other.generation = p_generation AND other.id = link.id
                WHERE link.ledger_id = p_ledger AND link.generation = p_generation AND link.relation = 'blocks'
                  AND other.category NOT IN ('done', 'dropped') AND other.hidden IN (0, 2)) holding
          GROUP BY holding.id) found
    WHERE item.ledger_id = p_ledger AND item.generation = p_generation AND item.id = found.id AND item.held <> found.held;
END
$$;

-- The ids just before and just after a thing's, from which its shortest unambiguous reference follows.
CREATE OR REPLACE FUNCTION tracking_ledger.adjacent_ids(
    p_ledger uuid, p_projection text, p_generation bigint, p_id text, OUT before text, OUT after text)
LANGUAGE plpgsql AS $$
BEGIN
    CASE p_projection
    WHEN 'work_items' THEN
        SELECT (SELECT t.id FROM work_items t WHERE t.ledger_id = p_ledger AND t.generation = p_generation AND t.id < p_id ORDER BY t.id DESC LIMIT 1),
               (SELECT t.id FROM work_items t WHERE t.ledger_id = p_ledger AND t.generation = p_generation AND t.id > p_id ORDER BY t.id LIMIT 1)
        INTO before, after;
    WHEN 'vendors' THEN
        SELECT (SELECT t.id FROM vendors t WHERE t.ledger_id = p_ledger AND t.generation = p_generation AND t.id < p_id ORDER BY t.id DESC LIMIT 1),
               (SELECT t.id FROM vendors t WHERE t.ledger_id = p_ledger AND t.generation = p_generation AND t.id > p_id ORDER BY t.id LIMIT 1)
        INTO before, after;
    WHEN 'deployments' THEN
        SELECT (SELECT t.id FROM deployments t WHERE t.ledger_id = p_ledger AND t.generation = p_generation AND t.id < p_id ORDER BY t.id DESC LIMIT 1),
               (SELECT t.id FROM deployments t WHERE t.ledger_id = p_ledger AND t.generation = p_generation AND t.id > p_id ORDER BY t.id LIMIT 1)
        INTO before, after;
    WHEN 'enhancements' THEN
        SELECT (SELECT t.id FROM enhancements t WHERE t.ledger_id = p_ledger AND t.generation = p_generation AND t.id < p_id ORDER BY t.id DESC LIMIT 1),
               (SELECT t.id FROM enhancements t WHERE t.ledger_id = p_ledger AND t.generation = p_generation AND t.id > p_id ORDER BY t.id LIMIT 1)
        INTO before, after;
    WHEN 'conflicts' THEN
        SELECT (SELECT t.id FROM conflicts t WHERE t.ledger_id = p_ledger AND t.generation = p_generation AND t.id < p_id ORDER BY t.id DESC LIMIT 1),
               (SELECT t.id FROM conflicts t WHERE t.ledger_id = p_ledger AND t.generation = p_generation AND t.id > p_id ORDER BY t.id LIMIT 1)
        INTO before, after;
    ELSE
        NULL;  -- there is one configuration: nothing is beside it
    END CASE;
END
$$;

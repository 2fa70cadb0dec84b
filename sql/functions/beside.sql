-- The ids just before and just after a thing's, from which its shortest unambiguous reference follows.
CREATE OR REPLACE FUNCTION tracking_ledger.beside(
    p_ledger uuid, p_projection text, p_generation bigint, p_id text, OUT before text, OUT after text)
LANGUAGE plpgsql AS $$
BEGIN
    CASE p_projection
    WHEN 'work_items' THEN
        SELECT t.id INTO before FROM work_items t WHERE t.ledger_id = p_ledger AND t.generation = p_generation AND t.id < p_id ORDER BY t.id DESC LIMIT 1;
        SELECT t.id INTO after FROM work_items t WHERE t.ledger_id = p_ledger AND t.generation = p_generation AND t.id > p_id ORDER BY t.id LIMIT 1;
    WHEN 'vendors' THEN
        SELECT t.id INTO before FROM vendors t WHERE t.ledger_id = p_ledger AND t.generation = p_generation AND t.id < p_id ORDER BY t.id DESC LIMIT 1;
        SELECT t.id INTO after FROM vendors t WHERE t.ledger_id = p_ledger AND t.generation = p_generation AND t.id > p_id ORDER BY t.id LIMIT 1;
    WHEN 'deployments' THEN
        SELECT t.id INTO before FROM deployments t WHERE t.ledger_id = p_ledger AND t.generation = p_generation AND t.id < p_id ORDER BY t.id DESC LIMIT 1;
        SELECT t.id INTO after FROM deployments t WHERE t.ledger_id = p_ledger AND t.generation = p_generation AND t.id > p_id ORDER BY t.id LIMIT 1;
    WHEN 'enhancements' THEN
        SELECT t.id INTO before FROM enhancements t WHERE t.ledger_id = p_ledger AND t.generation = p_generation AND t.id < p_id ORDER BY t.id DESC LIMIT 1;
        SELECT t.id INTO after FROM enhancements t WHERE t.ledger_id = p_ledger AND t.generation = p_generation AND t.id > p_id ORDER BY t.id LIMIT 1;
    WHEN 'conflicts' THEN
        SELECT t.id INTO before FROM conflicts t WHERE t.ledger_id = p_ledger AND t.generation = p_generation AND t.id < p_id ORDER BY t.id DESC LIMIT 1;
        SELECT t.id INTO after FROM conflicts t WHERE t.ledger_id = p_ledger AND t.generation = p_generation AND t.id > p_id ORDER BY t.id LIMIT 1;
    ELSE
        NULL;  -- there is one configuration: nothing is beside it
    END CASE;
END
$$;

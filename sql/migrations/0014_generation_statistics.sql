-- A generation belongs to one ledger. Unless the planner is told, it takes the two for independent of each other, expects
-- one row where a ledger has thousands, and reads a whole ledger by any index that begins with them where it should look up
-- one row by its key.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['work_items', 'work_item_terms', 'vendors', 'deployments', 'enhancements', 'configurations',
                                'conflicts', 'entries'] LOOP
        EXECUTE format('CREATE STATISTICS tracking_ledger.%I (dependencies) ON ledger_id, generation FROM tracking_ledger.%I',
                       name || '_generations', name);
    END LOOP;
END
$$;

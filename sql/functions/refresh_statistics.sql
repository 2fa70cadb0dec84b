-- Tells the planner what is in the tables now, after many rows came at once; a young table has no statistics.
--
-- Only those that have doubled since it looked: of others it knows enough, and looking at a large one takes long.
CREATE OR REPLACE FUNCTION tracking_ledger.refresh_statistics() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = tracking_ledger, pg_temp AS $$
DECLARE
    v_table regclass;
BEGIN
    FOR v_table IN
        SELECT c.oid::regclass FROM pg_class c
        WHERE c.oid = ANY (ARRAY['events', 'work_items', 'work_item_terms', 'vendors', 'deployments', 'enhancements',
                                 'conflicts', 'entries', 'projections']::regclass[])
          AND pg_relation_size(c.oid) > 2 * c.relpages::bigint * current_setting('block_size')::int
    LOOP
        EXECUTE format('ANALYZE %s', v_table);
    END LOOP;
END
$$;

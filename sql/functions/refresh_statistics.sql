-- Tells the planner what is in the read models now, after many rows came at once; a young table has no statistics.
CREATE OR REPLACE FUNCTION tracking_ledger.refresh_statistics() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = tracking_ledger, pg_temp AS $$
BEGIN
    ANALYZE events, work_items, work_item_terms, vendors, deployments, enhancements, conflicts, entries, projections;
END
$$;

-- In which database of the directory a ledger lies, by its row there; NULL for one that is at a place outside. One that is
-- on its way here is still where it comes from.
CREATE OR REPLACE FUNCTION tracking_ledger.database_of(p_reason text, p_successor text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN p_reason IN ('moved', 'arriving') THEN substring(p_successor FROM '^service=(\S+)$') ELSE 'directory' END
$$;

-- In which database of the directory a ledger lies, by its row there; NULL for one that went to a place outside.
CREATE OR REPLACE FUNCTION tracking_ledger.database_of(p_reason text, p_successor text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN p_reason IS DISTINCT FROM 'moved' THEN 'directory' ELSE substring(p_successor FROM '^service=(\S+)$') END
$$;

-- A payload that is stored in its line as it is and has 2,000 bytes at most, else NULL. It is looked at where it is stored: to
-- ask a text for its length is to make it, and what is compressed may be a thousand times longer than it looks.
CREATE OR REPLACE FUNCTION tracking_ledger.if_short(p_data json) RETURNS json LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN pg_column_size(p_data) <= 2000 AND pg_column_compression(p_data) IS NULL THEN p_data END
$$;

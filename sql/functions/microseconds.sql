-- A moment in microseconds since 1970, as it enters digests.
CREATE OR REPLACE FUNCTION tracking_ledger.microseconds(p_moment timestamptz) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (extract(epoch FROM p_moment) * 1000000)::bigint
$$;

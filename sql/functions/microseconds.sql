-- A moment in microseconds since 1970, as it enters digests. Not immutable, for extract is not: it would not be inlined.
CREATE OR REPLACE FUNCTION tracking_ledger.microseconds(p_moment timestamptz) RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT (extract(epoch FROM p_moment) * 1000000)::bigint
$$;

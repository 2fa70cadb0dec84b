-- The digest of a payload as it was recorded: one from which texts were erased begins with it.
-- Not immutable, for convert_to is not: it would not be inlined.
CREATE OR REPLACE FUNCTION tracking_ledger.payload_digest(p_data text) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN left(p_data, 11) = '{"erased":"' AND left(p_data, 77) ~ '^\{"erased":"[0-9a-f]{64}"[,}]$'
           THEN decode(substr(p_data, 12, 64), 'hex') ELSE sha256(convert_to(p_data, 'UTF8')) END
$$;

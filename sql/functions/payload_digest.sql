-- The digest of a payload as it was recorded: one from which texts were erased begins with it.
CREATE OR REPLACE FUNCTION tracking_ledger.payload_digest(p_data json) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN left(p_data::text, 77) ~ '^\{"erased":"[0-9a-f]{64}"[,}]$' THEN decode(substr(p_data::text, 12, 64), 'hex')
           ELSE sha256(convert_to(p_data::text, 'UTF8')) END
$$;

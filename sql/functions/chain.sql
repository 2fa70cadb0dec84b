-- The chain of digests over many events: `chain(digest before the first, header(...), data) OVER (ORDER BY position)`.
--
-- sha256(previous || header || sha256(data)), as ledger/codec.py has it; golden files hold the two together. Each header
-- field is a netstring (`<length in bytes>:<text>,`), so no two headers read the same.
CREATE OR REPLACE FUNCTION tracking_ledger.chain_on(p_previous bytea, p_first bytea, p_header text[], p_data json) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    v_header text := '';
    v_field  text;
BEGIN
    FOREACH v_field IN ARRAY p_header LOOP
        v_header := v_header || octet_length(v_field) || ':' || v_field || ',';
    END LOOP;
    RETURN sha256(coalesce(p_previous, p_first) || convert_to(v_header, 'UTF8') || sha256(convert_to(p_data::text, 'UTF8')));
END
$$;

CREATE OR REPLACE AGGREGATE tracking_ledger.chain(p_first bytea, p_header text[], p_data json) (
    SFUNC = tracking_ledger.chain_on, STYPE = bytea);

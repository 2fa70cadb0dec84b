-- The chain of digests over many events: `chain(digest before the first, event_header(...), data) OVER (ORDER BY position)`.
--
-- sha256(previous || header || sha256(data as it was recorded)), as ledger/codec.py has it; golden files hold the two together.
CREATE OR REPLACE FUNCTION tracking_ledger.chain_on(p_previous bytea, p_first bytea, p_header text, p_data json) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RETURN sha256(coalesce(p_previous, p_first) || convert_to(p_header, 'UTF8') || tracking_ledger.payload_digest(p_data));
END
$$;

CREATE OR REPLACE AGGREGATE tracking_ledger.chain(p_first bytea, p_header text, p_data json) (
    SFUNC = tracking_ledger.chain_on, STYPE = bytea);

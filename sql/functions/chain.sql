-- The chain of digests over many events: `chain(digest before the first, event_header(...), data) OVER (ORDER BY position)`.
--
-- sha256(previous || header || sha256(data as it was recorded)), as ledger/codec.py has it; golden files hold the two together.
-- `chained` is the digest of one event, which becomes a part of the statement that asks for it (not immutable, for convert_to
-- is not: it would not be inlined).
CREATE OR REPLACE FUNCTION tracking_ledger.chained(p_previous bytea, p_header text, p_data text) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT sha256(p_previous || convert_to(p_header, 'UTF8') || tracking_ledger.payload_digest(p_data))
$$;

CREATE OR REPLACE FUNCTION tracking_ledger.chain_on(p_previous bytea, p_first bytea, p_header text, p_data json) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RETURN tracking_ledger.chained(coalesce(p_previous, p_first), p_header, p_data::text);
END
$$;

CREATE OR REPLACE AGGREGATE tracking_ledger.chain(p_first bytea, p_header text, p_data json) (
    SFUNC = tracking_ledger.chain_on, STYPE = bytea);

-- A text as the digest takes it: its length in four bytes, then its UTF-8.
CREATE OR REPLACE FUNCTION tracking_ledger.length_prefixed(p_text text) RETURNS bytea
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN int4send(octet_length(convert_to(p_text, 'UTF8'))) || convert_to(p_text, 'UTF8');

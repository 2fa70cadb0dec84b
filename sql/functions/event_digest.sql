-- sha256(previous || header || sha256(data)), as ledger/codec.py has it; golden files hold the two together.
--
-- Each header field is a netstring (`<length in bytes>:<text>,`), so no two headers read the same.
CREATE OR REPLACE FUNCTION tracking_ledger.event_digest(p_previous bytea, p_event tracking_ledger.events) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    v_header text := '';
    v_field  text;
BEGIN
    FOREACH v_field IN ARRAY ARRAY[
        p_event.position::text,
        p_event.stream_id,
        p_event.version::text,
        p_event.command_id::text,
        p_event.n::text,
        p_event.command,
        encode(p_event.command_digest, 'hex'),
        p_event.type,
        p_event.schema::text,
        array_to_string(p_event.topics, ','),
        p_event."by",  -- quoted: BY is a word of PL/pgSQL's own
        (extract(epoch FROM p_event.occurred_at) * 1000000)::bigint::text,
        (extract(epoch FROM p_event.recorded_at) * 1000000)::bigint::text] LOOP
        v_header := v_header || octet_length(v_field) || ':' || v_field || ',';
    END LOOP;
    RETURN sha256(p_previous || convert_to(v_header, 'UTF8') || sha256(convert_to(p_event.data::text, 'UTF8')));
END
$$;

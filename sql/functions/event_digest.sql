-- sha256(previous || header || sha256(data)), as ledger/codec.py has it; golden files hold the two together.
CREATE OR REPLACE FUNCTION tracking_ledger.event_digest(p_previous bytea, p_event tracking_ledger.events) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = tracking_ledger, pg_temp AS $$
SELECT sha256(
    p_previous
    || length_prefixed((p_event).position::text)
    || length_prefixed((p_event).stream_id)
    || length_prefixed((p_event).version::text)
    || length_prefixed((p_event).command_id::text)
    || length_prefixed((p_event).n::text)
    || length_prefixed((p_event).command)
    || length_prefixed(encode((p_event).command_digest, 'hex'))
    || length_prefixed((p_event).type)
    || length_prefixed((p_event).schema::text)
    || length_prefixed(array_to_string((p_event).topics, ','))
    || length_prefixed((p_event).by)
    || length_prefixed((extract(epoch FROM (p_event).occurred_at) * 1000000)::bigint::text)
    || length_prefixed((extract(epoch FROM (p_event).recorded_at) * 1000000)::bigint::text)
    || sha256(convert_to((p_event).data::text, 'UTF8')))
$$;

-- What the triggers of `events` answer to any attempt to change it, but for one: where an erasure is recorded (see
-- erase_texts), a payload alone may become one that begins with the digest of what was recorded.
CREATE OR REPLACE FUNCTION tracking_ledger.refuse_change() RETURNS trigger LANGUAGE plpgsql
SET search_path = tracking_ledger, pg_temp AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND pg_trigger_depth() > 1 THEN
        IF NEW.data::text LIKE '{"erased":"%' AND payload_digest(NEW.data::text) = payload_digest(OLD.data::text)
           AND to_jsonb(NEW) - 'data' = to_jsonb(OLD) - 'data' THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'events are append-only: % is refused', TG_OP USING ERRCODE = 'TL009';
END
$$;

-- Refuses an erasure, and a payload that says it is erased, from any role but the owner of the log: such events change
-- what stands before them, here and in every copy. It is done before its event is inserted, in the same statement.
CREATE OR REPLACE FUNCTION tracking_ledger.guard_erasure() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.type = 'TextsErased' OR left(NEW.data::text, 11) = '{"erased":"' THEN
        IF NOT pg_has_role(session_user, (SELECT c.relowner FROM pg_class c WHERE c.oid = TG_RELID), 'USAGE') THEN
            RAISE EXCEPTION 'only the owner of the log may erase texts, and % is not', session_user USING ERRCODE = '42501';
        END IF;
        IF NEW.type = 'TextsErased' THEN
            PERFORM tracking_ledger.erase_texts(NEW);
        END IF;
    END IF;
    RETURN NEW;
END
$$;

-- Texts can be erased. Only the owner's role records that, and the log does it at once: see the functions guard_erasure,
-- erase_texts and refuse_change. The trigger has no condition: PostgreSQL reads one as text for every statement, which was
-- a twentieth of an append.
ALTER TABLE tracking_ledger.ledgers ADD COLUMN erased bigint NOT NULL DEFAULT 0;  -- the position of the newest erasure

CREATE FUNCTION tracking_ledger.guard_erasure() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;

CREATE TRIGGER erasure_is_guarded BEFORE INSERT ON tracking_ledger.events FOR EACH ROW
    EXECUTE FUNCTION tracking_ledger.guard_erasure();
-- whatever a role or a database sets as session_replication_role
ALTER TABLE tracking_ledger.events ENABLE ALWAYS TRIGGER erasure_is_guarded;

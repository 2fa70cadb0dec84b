-- One trigger without a condition in the place of two with one: PostgreSQL reads a trigger's condition as text for every
-- statement, which was a twentieth of an append. See the function guard_erasure.
DROP TRIGGER texts_are_erased ON tracking_ledger.events;
DROP TRIGGER erasure_is_guarded ON tracking_ledger.events;
DROP FUNCTION tracking_ledger.erase_texts();  -- it is called by the other now, with the event

CREATE TRIGGER erasure_is_guarded BEFORE INSERT ON tracking_ledger.events FOR EACH ROW
    EXECUTE FUNCTION tracking_ledger.guard_erasure();
-- whatever a role or a database sets as session_replication_role
ALTER TABLE tracking_ledger.events ENABLE ALWAYS TRIGGER erasure_is_guarded;

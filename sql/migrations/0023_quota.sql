-- How many events a ledger may have; NULL for no limit. What is refused is only a new event: what is there stays readable.
ALTER TABLE tracking_ledger.ledgers ADD COLUMN most_events bigint CHECK (most_events >= 0);

-- Doors that answer it too, and so are made anew.
DROP FUNCTION IF EXISTS tracking_ledger.ledger_overview();
DROP FUNCTION IF EXISTS tracking_ledger.head_of(uuid);

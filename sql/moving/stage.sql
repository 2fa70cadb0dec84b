-- A place of this transaction for events on their way: row security lets no role copy into the log itself.
CREATE TEMPORARY TABLE arriving (LIKE tracking_ledger.events) ON COMMIT DROP

-- The databases among which new ledgers are placed: each by the name of a service of libpq, and this one as `directory`.
-- Where a ledger lies is said by its own row: one in another database is closed here as moved, to `service=NAME`.
CREATE TABLE tracking_ledger.databases (
    name      text PRIMARY KEY CHECK (name ~ '^[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}$'),
    takes_new boolean NOT NULL
);

INSERT INTO tracking_ledger.databases (name, takes_new) VALUES ('directory', true);

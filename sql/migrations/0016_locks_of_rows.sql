-- Locks that are rows, because a row can only be locked by a role that may change it; an advisory lock by every role.
--
-- A program that appends while this is applied has locked its ledger in the old way. Inserting waits for this to be
-- committed, and of two that then take the same position the log's key lets one in.

LOCK TABLE tracking_ledger.events IN SHARE ROW EXCLUSIVE MODE;

-- Work of which one at a time is done on a ledger, beside its appends.
CREATE TABLE tracking_ledger.work_alone (
    ledger_id uuid NOT NULL,
    work      text NOT NULL CHECK (work IN ('moving', 'rebuilding')),
    PRIMARY KEY (ledger_id, work)
);

INSERT INTO tracking_ledger.work_alone (ledger_id, work)
SELECT l.ledger_id, w.work FROM tracking_ledger.ledgers l CROSS JOIN (VALUES ('moving'), ('rebuilding')) AS w (work);

ALTER TABLE tracking_ledger.work_alone ENABLE ROW LEVEL SECURITY;
ALTER TABLE tracking_ledger.work_alone FORCE ROW LEVEL SECURITY;
CREATE POLICY doors ON tracking_ledger.work_alone TO CURRENT_ROLE
    USING (ledger_id = nullif(current_setting('ledger.id', true), '')::uuid);

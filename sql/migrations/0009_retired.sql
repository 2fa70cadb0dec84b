-- Generations that serve no longer and whose rows are still to be removed: in portions and after the swap, because nobody
-- who writes should wait for that. Whoever rebuilds next goes on where a killed program left off.
CREATE TABLE tracking_ledger.retired (
    ledger_id  uuid   NOT NULL,
    projection text   NOT NULL,
    generation bigint NOT NULL,
    PRIMARY KEY (ledger_id, generation)
);

ALTER TABLE tracking_ledger.retired ENABLE ROW LEVEL SECURITY;
ALTER TABLE tracking_ledger.retired FORCE ROW LEVEL SECURITY;
CREATE POLICY doors ON tracking_ledger.retired TO CURRENT_ROLE
    USING (ledger_id = nullif(current_setting('ledger.id', true), '')::uuid);

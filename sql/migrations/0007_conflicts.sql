-- The read model `conflicts`: queued commands that met other changes and wait for a decision.
CREATE TABLE tracking_ledger.conflicts (
    ledger_id  uuid   NOT NULL,
    generation bigint NOT NULL,
    id         text   NOT NULL COLLATE "C",
    version    int    NOT NULL,
    position   bigint NOT NULL,
    doc        jsonb  NOT NULL,
    status     text   COLLATE "C" GENERATED ALWAYS AS (doc ->> 'status') STORED,
    created_at text   COLLATE "C" GENERATED ALWAYS AS (doc ->> 'created_at') STORED,
    PRIMARY KEY (ledger_id, generation, id)
);

CREATE INDEX conflicts_by_status ON tracking_ledger.conflicts (ledger_id, generation, status, created_at, id);

ALTER TABLE tracking_ledger.conflicts SET (autovacuum_analyze_threshold = 100,
    autovacuum_analyze_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.05);
ALTER TABLE tracking_ledger.conflicts ENABLE ROW LEVEL SECURITY;
ALTER TABLE tracking_ledger.conflicts FORCE ROW LEVEL SECURITY;
CREATE POLICY members ON tracking_ledger.conflicts FOR SELECT TO tracking_ledger_writer
    USING (ledger_id = (SELECT m.ledger_id FROM tracking_ledger.ledger_members m
                        WHERE m.ledger_id = nullif(current_setting('ledger.id', true), '')::uuid LIMIT 1));
CREATE POLICY doors ON tracking_ledger.conflicts TO CURRENT_ROLE
    USING (ledger_id = nullif(current_setting('ledger.id', true), '')::uuid);

CREATE OR REPLACE VIEW tracking_ledger.things WITH (security_invoker = true) AS
    SELECT 'work_item' AS category, ledger_id, generation, id, version, position, doc FROM tracking_ledger.work_items
    UNION ALL SELECT 'vendor', ledger_id, generation, id, version, position, doc FROM tracking_ledger.vendors
    UNION ALL SELECT 'deployment', ledger_id, generation, id, version, position, doc FROM tracking_ledger.deployments
    UNION ALL SELECT 'enhancement', ledger_id, generation, id, version, position, doc FROM tracking_ledger.enhancements
    UNION ALL SELECT 'configuration', ledger_id, generation, id, version, position, doc FROM tracking_ledger.configurations
    UNION ALL SELECT 'conflict', ledger_id, generation, id, version, position, doc FROM tracking_ledger.conflicts;

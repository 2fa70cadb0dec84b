-- The read models in SQLite: the same tables and columns as in PostgreSQL, so that the same questions answer.
-- `progress` says up to which position of the log they are, and the digest it has there if the log is a journal;
-- `projections` which generation serves.
CREATE TABLE IF NOT EXISTS progress (
    ledger_id text NOT NULL PRIMARY KEY, position int NOT NULL, recorded_at text, digest blob
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS overlay_progress (
    ledger_id text NOT NULL PRIMARY KEY, sequence int NOT NULL
) WITHOUT ROWID;
-- The confirmed rows of things that commands in the outbox are laid over; `laid` is the number of the row on top.
CREATE TABLE IF NOT EXISTS overlaid (
    ledger_id text NOT NULL, stream_id text NOT NULL, version int NOT NULL, position int NOT NULL, doc text, terms text,
    laid int NOT NULL, PRIMARY KEY (ledger_id, stream_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS projections (
    ledger_id text NOT NULL, projection text NOT NULL, shape int NOT NULL, generation int NOT NULL, behind_after int,
    PRIMARY KEY (ledger_id, projection, shape)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS work_items (
    ledger_id text NOT NULL, generation int NOT NULL, id text NOT NULL, version int NOT NULL, position int NOT NULL,
    doc text NOT NULL,
    item_type text GENERATED ALWAYS AS (json_extract(doc, '$.item_type')) STORED,
    status text GENERATED ALWAYS AS (json_extract(doc, '$.status')) STORED,
    title text GENERATED ALWAYS AS (json_extract(doc, '$.title')) STORED,
    parent_id text GENERATED ALWAYS AS (json_extract(doc, '$.parent_id')) STORED,
    priority int GENERATED ALWAYS AS (json_extract(doc, '$.priority')) STORED,
    rank text GENERATED ALWAYS AS (coalesce(json_extract(doc, '$.priority'), '9') || ' ' || json_extract(doc, '$.created_at')) STORED,
    hidden int GENERATED ALWAYS AS (json_extract(doc, '$.deleted') + 2 * json_extract(doc, '$.archived') + 4 * json_extract(doc, '$.withdrawn')) STORED,
    claimed_by text GENERATED ALWAYS AS (json_extract(doc, '$.claim.by')) STORED,
    claimed_until text GENERATED ALWAYS AS (json_extract(doc, '$.claim.until')) STORED,
    created_at text GENERATED ALWAYS AS (json_extract(doc, '$.created_at')) STORED,
    updated_at text GENERATED ALWAYS AS (json_extract(doc, '$.updated_at')) STORED,
    PRIMARY KEY (ledger_id, generation, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS work_items_children ON work_items (ledger_id, generation, parent_id, id);
CREATE INDEX IF NOT EXISTS work_items_by_update ON work_items (ledger_id, generation, updated_at, id);
CREATE INDEX IF NOT EXISTS work_items_by_creation ON work_items (ledger_id, generation, created_at, id);
CREATE INDEX IF NOT EXISTS work_items_open ON work_items (ledger_id, generation, rank, id)
    WHERE status = 'active' AND hidden = 0;
CREATE INDEX IF NOT EXISTS work_items_claimed ON work_items (ledger_id, generation, claimed_by, claimed_until)
    WHERE claimed_by IS NOT NULL;
CREATE INDEX IF NOT EXISTS work_items_by_priority ON work_items (ledger_id, generation, rank, id);
CREATE TABLE IF NOT EXISTS work_item_terms (
    ledger_id text NOT NULL, generation int NOT NULL, id text NOT NULL, terms text NOT NULL,
    PRIMARY KEY (ledger_id, generation, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS vendors (
    ledger_id text NOT NULL, generation int NOT NULL, id text NOT NULL, version int NOT NULL, position int NOT NULL,
    doc text NOT NULL,
    name_key text GENERATED ALWAYS AS (json_extract(doc, '$.name_key')) STORED,
    status text GENERATED ALWAYS AS (json_extract(doc, '$.status')) STORED,
    withdrawn int GENERATED ALWAYS AS (coalesce(json_extract(doc, '$.withdrawn'), 0)) STORED,
    PRIMARY KEY (ledger_id, generation, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS vendors_by_name ON vendors (ledger_id, generation, name_key, id);
CREATE TABLE IF NOT EXISTS deployments (
    ledger_id text NOT NULL, generation int NOT NULL, id text NOT NULL, version int NOT NULL, position int NOT NULL,
    doc text NOT NULL,
    deployed_at text GENERATED ALWAYS AS (coalesce(json_extract(doc, '$.deployed_at'), '')) STORED,
    environment text GENERATED ALWAYS AS (json_extract(doc, '$.environment')) STORED,
    withdrawn int GENERATED ALWAYS AS (coalesce(json_extract(doc, '$.withdrawn'), 0)) STORED,
    PRIMARY KEY (ledger_id, generation, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS deployments_by_time ON deployments (ledger_id, generation, deployed_at, id);
CREATE TABLE IF NOT EXISTS enhancements (
    ledger_id text NOT NULL, generation int NOT NULL, id text NOT NULL, version int NOT NULL, position int NOT NULL,
    doc text NOT NULL,
    status text GENERATED ALWAYS AS (json_extract(doc, '$.status')) STORED,
    priority int GENERATED ALWAYS AS (json_extract(doc, '$.priority')) STORED,
    target_quarter text GENERATED ALWAYS AS (json_extract(doc, '$.target_quarter')) STORED,
    rank text GENERATED ALWAYS AS (coalesce(json_extract(doc, '$.priority'), '9') || ' ' || json_extract(doc, '$.created_at')) STORED,
    withdrawn int GENERATED ALWAYS AS (coalesce(json_extract(doc, '$.withdrawn'), 0)) STORED,
    PRIMARY KEY (ledger_id, generation, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS enhancements_by_priority ON enhancements (ledger_id, generation, rank, id);
CREATE TABLE IF NOT EXISTS configurations (
    ledger_id text NOT NULL, generation int NOT NULL, id text NOT NULL, version int NOT NULL, position int NOT NULL,
    doc text NOT NULL,
    PRIMARY KEY (ledger_id, generation, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS conflicts (
    ledger_id text NOT NULL, generation int NOT NULL, id text NOT NULL, version int NOT NULL, position int NOT NULL,
    doc text NOT NULL,
    status text GENERATED ALWAYS AS (json_extract(doc, '$.status')) STORED,
    created_at text GENERATED ALWAYS AS (json_extract(doc, '$.created_at')) STORED,
    PRIMARY KEY (ledger_id, generation, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS conflicts_by_status ON conflicts (ledger_id, generation, status, created_at, id);
CREATE TABLE IF NOT EXISTS entries (
    ledger_id text NOT NULL, generation int NOT NULL, relation text NOT NULL, target text NOT NULL, id text NOT NULL,
    PRIMARY KEY (ledger_id, generation, relation, target, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS entries_that_are_unique ON entries (ledger_id, generation, relation, target)
    WHERE relation IN ('vendor_name', 'external_id', 'deployment_key');
CREATE INDEX IF NOT EXISTS entries_from ON entries (ledger_id, generation, id, relation, target)
    WHERE relation IN ('blocks', 'relates_to', 'discovered_from');
CREATE VIEW IF NOT EXISTS things AS
    SELECT 'work_item' AS category, ledger_id, generation, id, version, position, doc FROM work_items
    UNION ALL SELECT 'vendor', ledger_id, generation, id, version, position, doc FROM vendors
    UNION ALL SELECT 'deployment', ledger_id, generation, id, version, position, doc FROM deployments
    UNION ALL SELECT 'enhancement', ledger_id, generation, id, version, position, doc FROM enhancements
    UNION ALL SELECT 'configuration', ledger_id, generation, id, version, position, doc FROM configurations
    UNION ALL SELECT 'conflict', ledger_id, generation, id, version, position, doc FROM conflicts;

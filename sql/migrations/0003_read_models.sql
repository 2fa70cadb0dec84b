-- The read models: one table a noun, one JSON document a row. What a question filters or sorts by is a column
-- generated from the document, so the two cannot disagree.

CREATE TABLE tracking_ledger.work_items (
    ledger_id  uuid   NOT NULL,
    generation bigint NOT NULL,
    id         text   NOT NULL COLLATE "C",
    version    int    NOT NULL,
    position   bigint NOT NULL,
    doc        jsonb  NOT NULL,
    item_type  text   COLLATE "C" GENERATED ALWAYS AS (doc ->> 'item_type') STORED,
    status     text   COLLATE "C" GENERATED ALWAYS AS (doc ->> 'status') STORED,
    title      text   COLLATE "C" GENERATED ALWAYS AS (doc ->> 'title') STORED,
    parent_id  text   COLLATE "C" GENERATED ALWAYS AS (doc ->> 'parent_id') STORED,
    priority   int    GENERATED ALWAYS AS ((doc ->> 'priority')::int) STORED,
    rank       text   COLLATE "C" GENERATED ALWAYS AS (coalesce(doc ->> 'priority', '9') || ' ' || (doc ->> 'created_at')) STORED,
    hidden     int    GENERATED ALWAYS AS (((doc ->> 'deleted')::boolean)::int + 2 * ((doc ->> 'archived')::boolean)::int
        + 4 * ((doc ->> 'withdrawn')::boolean)::int) STORED,
    claimed_by text   COLLATE "C" GENERATED ALWAYS AS (doc -> 'claim' ->> 'by') STORED,
    claimed_until text COLLATE "C" GENERATED ALWAYS AS (doc -> 'claim' ->> 'until') STORED,
    created_at text   COLLATE "C" GENERATED ALWAYS AS (doc ->> 'created_at') STORED,
    updated_at text   COLLATE "C" GENERATED ALWAYS AS (doc ->> 'updated_at') STORED,
    PRIMARY KEY (ledger_id, generation, id)
);

CREATE TABLE tracking_ledger.vendors (
    ledger_id  uuid   NOT NULL,
    generation bigint NOT NULL,
    id         text   NOT NULL COLLATE "C",
    version    int    NOT NULL,
    position   bigint NOT NULL,
    doc        jsonb  NOT NULL,
    name_key   text   COLLATE "C" GENERATED ALWAYS AS (doc ->> 'name_key') STORED,
    status     text   COLLATE "C" GENERATED ALWAYS AS (doc ->> 'status') STORED,
    withdrawn  int    GENERATED ALWAYS AS (coalesce((doc ->> 'withdrawn')::boolean, false)::int) STORED,
    PRIMARY KEY (ledger_id, generation, id)
);

CREATE TABLE tracking_ledger.deployments (
    ledger_id   uuid   NOT NULL,
    generation  bigint NOT NULL,
    id          text   NOT NULL COLLATE "C",
    version     int    NOT NULL,
    position    bigint NOT NULL,
    doc         jsonb  NOT NULL,
    deployed_at text   COLLATE "C" GENERATED ALWAYS AS (coalesce(doc ->> 'deployed_at', '')) STORED,
    environment text   COLLATE "C" GENERATED ALWAYS AS (doc ->> 'environment') STORED,
    withdrawn   int    GENERATED ALWAYS AS (coalesce((doc ->> 'withdrawn')::boolean, false)::int) STORED,
    PRIMARY KEY (ledger_id, generation, id)
);

CREATE TABLE tracking_ledger.enhancements (
    ledger_id      uuid   NOT NULL,
    generation     bigint NOT NULL,
    id             text   NOT NULL COLLATE "C",
    version        int    NOT NULL,
    position       bigint NOT NULL,
    doc            jsonb  NOT NULL,
    status         text   COLLATE "C" GENERATED ALWAYS AS (doc ->> 'status') STORED,
    priority       int    GENERATED ALWAYS AS ((doc ->> 'priority')::int) STORED,
    target_quarter text   COLLATE "C" GENERATED ALWAYS AS (doc ->> 'target_quarter') STORED,
    rank           text   COLLATE "C" GENERATED ALWAYS AS (coalesce(doc ->> 'priority', '9') || ' ' || (doc ->> 'created_at')) STORED,
    withdrawn      int    GENERATED ALWAYS AS (coalesce((doc ->> 'withdrawn')::boolean, false)::int) STORED,
    PRIMARY KEY (ledger_id, generation, id)
);

CREATE TABLE tracking_ledger.configurations (
    ledger_id  uuid   NOT NULL,
    generation bigint NOT NULL,
    id         text   NOT NULL COLLATE "C",
    version    int    NOT NULL,
    position   bigint NOT NULL,
    doc        jsonb  NOT NULL,
    PRIMARY KEY (ledger_id, generation, id)
);

-- An entry: one value under which a row can be found (a tag, a link's other end, a unique name). It belongs to the
-- generation of its row. Equality is leakproof, so row-level security does not cost it its index.
CREATE TABLE tracking_ledger.entries (
    ledger_id  uuid   NOT NULL,
    generation bigint NOT NULL,
    relation   text   NOT NULL COLLATE "C",
    target     text   NOT NULL COLLATE "C",
    id         text   NOT NULL COLLATE "C",
    PRIMARY KEY (ledger_id, generation, relation, target, id)
);

CREATE UNIQUE INDEX entries_that_are_unique ON tracking_ledger.entries (ledger_id, generation, relation, target)
    WHERE relation IN ('vendor_name', 'external_id', 'deployment_key');
CREATE INDEX entries_from ON tracking_ledger.entries (ledger_id, generation, id, relation, target)
    WHERE relation IN ('blocks', 'relates_to', 'discovered_from');

CREATE INDEX work_items_children ON tracking_ledger.work_items (ledger_id, generation, parent_id, id);
CREATE INDEX work_items_by_update ON tracking_ledger.work_items (ledger_id, generation, updated_at, id);
CREATE INDEX work_items_by_creation ON tracking_ledger.work_items (ledger_id, generation, created_at, id);
CREATE INDEX work_items_open ON tracking_ledger.work_items (ledger_id, generation, rank, id)
    WHERE status = 'active' AND hidden = 0;
CREATE INDEX work_items_claimed ON tracking_ledger.work_items (ledger_id, generation, claimed_by, claimed_until)
    WHERE claimed_by IS NOT NULL;
CREATE INDEX work_items_by_priority ON tracking_ledger.work_items (ledger_id, generation, rank, id);
CREATE INDEX work_items_counted ON tracking_ledger.work_items
    (ledger_id, generation, hidden, status, item_type, priority, position, parent_id);
CREATE INDEX vendors_by_name ON tracking_ledger.vendors (ledger_id, generation, name_key, id);
CREATE INDEX deployments_by_time ON tracking_ledger.deployments (ledger_id, generation, deployed_at, id);
CREATE INDEX enhancements_by_priority ON tracking_ledger.enhancements (ledger_id, generation, rank, id);

-- Statistics follow growth closely: with none, the planner cannot tell a primary key from a wider index.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['work_items', 'vendors', 'deployments', 'enhancements', 'entries', 'events'] LOOP
        EXECUTE format('ALTER TABLE tracking_ledger.%I SET (autovacuum_analyze_threshold = 100,
                        autovacuum_analyze_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.05)', name);
    END LOOP;
END
$$;

-- The words by which work items are found (see projections/terms.py), beside their rows and in the same generations.
--
-- No row security here, because @@ is not leakproof and would lose its index under it: nobody but the owner may read
-- this table, and the door `matching` asks for membership.
CREATE TABLE tracking_ledger.work_item_terms (
    ledger_id  uuid     NOT NULL,
    generation bigint   NOT NULL,
    id         text     NOT NULL COLLATE "C",
    terms      tsvector NOT NULL,
    PRIMARY KEY (ledger_id, generation, id)
);

CREATE INDEX work_item_terms_by_term ON tracking_ledger.work_item_terms USING gin (terms);

ALTER TABLE tracking_ledger.work_item_terms SET (autovacuum_analyze_threshold = 100,
    autovacuum_analyze_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.05);

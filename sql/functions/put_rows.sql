-- Puts rows of one read model into one generation.
--
-- A row is {id, version, n, terms?}; its position is `p_first` + n, its document stands at the same place of `p_documents`.
-- The statements differ in the table and its columns only: EXECUTE would plan each one anew.
CREATE OR REPLACE FUNCTION tracking_ledger.put_rows(
    p_ledger uuid, p_projection text, p_generation bigint, p_rows json, p_documents jsonb[], p_first bigint)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    CASE p_projection
    WHEN 'work_items' THEN
        WITH given AS (
            SELECT r.id, r.version, r.n, r.terms, r.doc
            FROM ROWS FROM (json_to_recordset(p_rows) AS (id text, version int, n bigint, terms text), unnest(p_documents))
                 AS r (id, version, n, terms, doc)
        ), found_by AS (
            INSERT INTO work_item_terms (ledger_id, generation, id, terms)
            SELECT p_ledger, p_generation, g.id, g.terms::tsvector FROM given g WHERE g.terms IS NOT NULL
            ON CONFLICT (ledger_id, generation, id) DO UPDATE SET terms = excluded.terms
        )
        INSERT INTO work_items (ledger_id, generation, id, version, position, doc, item_type, status, title, parent_id,
            priority, rank, hidden, claimed_by, claimed_until, created_at, updated_at)
        SELECT p_ledger, p_generation, r.id, r.version, p_first + r.n, r.doc, c.item_type, c.status, c.title, c.parent_id,
               c.priority, c.rank, c.hidden, c.claimed_by, c.claimed_until, c.created_at, c.updated_at
        FROM given r, columns_of_work_items(r.doc) c
        ON CONFLICT (ledger_id, generation, id) DO UPDATE SET
            (version, position, doc, item_type, status, title, parent_id, priority, rank, hidden, claimed_by, claimed_until,
            created_at, updated_at) =
            (excluded.version, excluded.position, excluded.doc, excluded.item_type, excluded.status, excluded.title,
            excluded.parent_id, excluded.priority, excluded.rank, excluded.hidden, excluded.claimed_by,
            excluded.claimed_until, excluded.created_at, excluded.updated_at);
    WHEN 'vendors' THEN
        INSERT INTO vendors (ledger_id, generation, id, version, position, doc, name_key, status, withdrawn)
        SELECT p_ledger, p_generation, r.id, r.version, p_first + r.n, r.doc, c.name_key, c.status, c.withdrawn
        FROM ROWS FROM (json_to_recordset(p_rows) AS (id text, version int, n bigint), unnest(p_documents)) AS r (id, version, n, doc),
             columns_of_vendors(r.doc) c
        ON CONFLICT (ledger_id, generation, id) DO UPDATE SET
            (version, position, doc, name_key, status, withdrawn) =
            (excluded.version, excluded.position, excluded.doc, excluded.name_key, excluded.status, excluded.withdrawn);
    WHEN 'deployments' THEN
        INSERT INTO deployments (ledger_id, generation, id, version, position, doc, deployed_at, environment, withdrawn)
        SELECT p_ledger, p_generation, r.id, r.version, p_first + r.n, r.doc, c.deployed_at, c.environment, c.withdrawn
        FROM ROWS FROM (json_to_recordset(p_rows) AS (id text, version int, n bigint), unnest(p_documents)) AS r (id, version, n, doc),
             columns_of_deployments(r.doc) c
        ON CONFLICT (ledger_id, generation, id) DO UPDATE SET
            (version, position, doc, deployed_at, environment, withdrawn) =
            (excluded.version, excluded.position, excluded.doc, excluded.deployed_at, excluded.environment,
            excluded.withdrawn);
    WHEN 'enhancements' THEN
        INSERT INTO enhancements (ledger_id, generation, id, version, position, doc, status, priority, target_quarter, rank,
            withdrawn)
        SELECT p_ledger, p_generation, r.id, r.version, p_first + r.n, r.doc, c.status, c.priority, c.target_quarter, c.rank,
               c.withdrawn
        FROM ROWS FROM (json_to_recordset(p_rows) AS (id text, version int, n bigint), unnest(p_documents)) AS r (id, version, n, doc),
             columns_of_enhancements(r.doc) c
        ON CONFLICT (ledger_id, generation, id) DO UPDATE SET
            (version, position, doc, status, priority, target_quarter, rank, withdrawn) =
            (excluded.version, excluded.position, excluded.doc, excluded.status, excluded.priority, excluded.target_quarter,
            excluded.rank, excluded.withdrawn);
    WHEN 'configurations' THEN
        INSERT INTO configurations (ledger_id, generation, id, version, position, doc)
        SELECT p_ledger, p_generation, r.id, r.version, p_first + r.n, r.doc
        FROM ROWS FROM (json_to_recordset(p_rows) AS (id text, version int, n bigint), unnest(p_documents)) AS r (id, version, n, doc)
        ON CONFLICT (ledger_id, generation, id) DO UPDATE SET
            (version, position, doc) =
            (excluded.version, excluded.position, excluded.doc);
    WHEN 'conflicts' THEN
        INSERT INTO conflicts (ledger_id, generation, id, version, position, doc, status, created_at)
        SELECT p_ledger, p_generation, r.id, r.version, p_first + r.n, r.doc, c.status, c.created_at
        FROM ROWS FROM (json_to_recordset(p_rows) AS (id text, version int, n bigint), unnest(p_documents)) AS r (id, version, n, doc),
             columns_of_conflicts(r.doc) c
        ON CONFLICT (ledger_id, generation, id) DO UPDATE SET
            (version, position, doc, status, created_at) =
            (excluded.version, excluded.position, excluded.doc, excluded.status, excluded.created_at);
    END CASE;
END
$$;

-- Puts rows of one read model, and the entries they are found by, into one generation.
--
-- A row is {id, version, n, doc, added: [[relation, target]], dropped: [...], terms?}; its position is `p_first` + n. The six
-- statements differ in the table's name only: EXECUTE would plan each one anew, a fifth of the whole append.
CREATE OR REPLACE FUNCTION tracking_ledger.put_rows(
    p_ledger uuid, p_projection text, p_generation bigint, p_rows jsonb, p_first bigint)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    CASE p_projection
    WHEN 'work_items' THEN
        INSERT INTO work_items (ledger_id, generation, id, version, position, doc)
        SELECT p_ledger, p_generation, r.id, r.version, p_first + r.n, r.doc
        FROM jsonb_to_recordset(p_rows) AS r (id text, version int, n bigint, doc jsonb)
        ON CONFLICT (ledger_id, generation, id) DO UPDATE SET (version, position, doc) = (excluded.version, excluded.position, excluded.doc);
        INSERT INTO work_item_terms (ledger_id, generation, id, terms)
        SELECT p_ledger, p_generation, r.id, r.terms::tsvector
        FROM jsonb_to_recordset(p_rows) AS r (id text, terms text) WHERE r.terms IS NOT NULL
        ON CONFLICT (ledger_id, generation, id) DO UPDATE SET terms = excluded.terms;
    WHEN 'vendors' THEN
        INSERT INTO vendors (ledger_id, generation, id, version, position, doc)
        SELECT p_ledger, p_generation, r.id, r.version, p_first + r.n, r.doc
        FROM jsonb_to_recordset(p_rows) AS r (id text, version int, n bigint, doc jsonb)
        ON CONFLICT (ledger_id, generation, id) DO UPDATE SET (version, position, doc) = (excluded.version, excluded.position, excluded.doc);
    WHEN 'deployments' THEN
        INSERT INTO deployments (ledger_id, generation, id, version, position, doc)
        SELECT p_ledger, p_generation, r.id, r.version, p_first + r.n, r.doc
        FROM jsonb_to_recordset(p_rows) AS r (id text, version int, n bigint, doc jsonb)
        ON CONFLICT (ledger_id, generation, id) DO UPDATE SET (version, position, doc) = (excluded.version, excluded.position, excluded.doc);
    WHEN 'enhancements' THEN
        INSERT INTO enhancements (ledger_id, generation, id, version, position, doc)
        SELECT p_ledger, p_generation, r.id, r.version, p_first + r.n, r.doc
        FROM jsonb_to_recordset(p_rows) AS r (id text, version int, n bigint, doc jsonb)
        ON CONFLICT (ledger_id, generation, id) DO UPDATE SET (version, position, doc) = (excluded.version, excluded.position, excluded.doc);
    WHEN 'configurations' THEN
        INSERT INTO configurations (ledger_id, generation, id, version, position, doc)
        SELECT p_ledger, p_generation, r.id, r.version, p_first + r.n, r.doc
        FROM jsonb_to_recordset(p_rows) AS r (id text, version int, n bigint, doc jsonb)
        ON CONFLICT (ledger_id, generation, id) DO UPDATE SET (version, position, doc) = (excluded.version, excluded.position, excluded.doc);
    WHEN 'conflicts' THEN
        INSERT INTO conflicts (ledger_id, generation, id, version, position, doc)
        SELECT p_ledger, p_generation, r.id, r.version, p_first + r.n, r.doc
        FROM jsonb_to_recordset(p_rows) AS r (id text, version int, n bigint, doc jsonb)
        ON CONFLICT (ledger_id, generation, id) DO UPDATE SET (version, position, doc) = (excluded.version, excluded.position, excluded.doc);
    END CASE;
    IF p_rows @? '$[*].dropped[*]' THEN
        DELETE FROM entries e
        USING jsonb_to_recordset(p_rows) AS r (id text, dropped jsonb), jsonb_array_elements(r.dropped) AS d
        WHERE e.ledger_id = p_ledger AND e.generation = p_generation
          AND e.relation = d ->> 0 AND e.target = d ->> 1 AND e.id = r.id;
    END IF;
    IF p_rows @? '$[*].added[*]' THEN
        PERFORM put_entries(p_ledger, p_generation, p_rows);
    END IF;
END
$$;

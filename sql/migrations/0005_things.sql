-- Every read model behind one name, for questions that are the same for all: by id, by prefix of an id, beside an id.
CREATE VIEW tracking_ledger.things WITH (security_invoker = true) AS
    SELECT 'work_item' AS category, ledger_id, generation, id, version, position, doc FROM tracking_ledger.work_items
    UNION ALL SELECT 'vendor', ledger_id, generation, id, version, position, doc FROM tracking_ledger.vendors
    UNION ALL SELECT 'deployment', ledger_id, generation, id, version, position, doc FROM tracking_ledger.deployments
    UNION ALL SELECT 'enhancement', ledger_id, generation, id, version, position, doc FROM tracking_ledger.enhancements
    UNION ALL SELECT 'configuration', ledger_id, generation, id, version, position, doc FROM tracking_ledger.configurations;

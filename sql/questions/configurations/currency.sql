-- The currency of the ledger's costs; nothing where its settings name none. Answered by the primary key.
SELECT configuration.doc ->> 'currency' AS currency FROM configurations configuration
WHERE configuration.ledger_id = %(ledger)s AND configuration.generation = %(configurations)s
  AND configuration.doc ->> 'currency' IS NOT NULL

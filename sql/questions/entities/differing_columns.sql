-- Which rows of a read model have a column that is not what their document, or for a mark other rows, say. Answered by the
-- primary key.
SELECT id, field, stored, told AS derived
FROM differing_columns(CAST(%(ledger)s AS uuid), CAST(%(projection)s AS text), CAST(%(generation)s AS bigint))
ORDER BY id, field

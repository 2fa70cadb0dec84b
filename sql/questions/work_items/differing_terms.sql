-- Which of some items are not found by exactly these words. Answered by the primary key.
SELECT id FROM differing_terms(CAST(%(ledger)s AS uuid), CAST(%(work_items)s AS bigint), CAST(%(ids)s AS text[]), CAST(%(words)s AS text[]))
ORDER BY id

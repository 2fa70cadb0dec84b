-- One more kind of link: an item duplicates another one.
DROP INDEX tracking_ledger.entries_from;
CREATE INDEX entries_from ON tracking_ledger.entries (ledger_id, generation, id, relation, target)
    WHERE relation IN ('blocks', 'relates_to', 'discovered_from', 'duplicates');

-- What finds an item by a tag has the item's place in lists too: the day of its last change, and the state by which lists
-- filter. So a page is read from the index in its order and counted in the index, however many items have the tag. The entries get
-- it with the replay that the new shape asks for; other relations have none.
ALTER TABLE tracking_ledger.entries
    ADD COLUMN day text COLLATE "C", ADD COLUMN hidden int, ADD COLUMN status text COLLATE "C",
    ADD COLUMN category text COLLATE "C";
CREATE INDEX entries_listed ON tracking_ledger.entries (ledger_id, generation, target, day, id)
    INCLUDE (hidden, status, category) WHERE relation = 'tag';

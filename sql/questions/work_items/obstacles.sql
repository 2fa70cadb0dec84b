-- What keeps each of some items, or else the first whose id lies in a range, from being begun; with `last` that item itself too,
-- in a line of the place 0. The rule is in sql/functions/obstacles.sql, which answers this by the primary keys and
-- work_items_children.
SELECT id, place, reason, cause_id, title, status, category, by, until, version, position, doc, alike
FROM obstacles(%(ledger)s, %(work_items)s, %(ids)s, %(lowest)s, %(highest)s, %(first)s, %(last)s, %(moment)s, %(asker)s, %(holder)s,
               %(most)s)
ORDER BY id COLLATE "C", place, cause_id COLLATE "C", reason COLLATE "C"

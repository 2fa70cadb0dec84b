-- Doors of a move that are asked with other arguments now.
DROP FUNCTION IF EXISTS tracking_ledger.sum_of_read_model(uuid, text, int);

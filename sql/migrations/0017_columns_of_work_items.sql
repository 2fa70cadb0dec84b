-- The columns of work items became more with 0015: a function that answers others cannot be replaced, only made anew.
DROP FUNCTION IF EXISTS tracking_ledger.columns_of_work_items(jsonb);

-- The columns that questions filter and sort by are written with the document (put_rows) instead of being generated from
-- it: PostgreSQL reads and plans the expression of every generated column anew for each statement.
DO $$
DECLARE
    v_column record;
BEGIN
    FOR v_column IN SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
                    WHERE c.relnamespace = 'tracking_ledger'::regnamespace AND a.attgenerated = 's' LOOP
        EXECUTE format('ALTER TABLE tracking_ledger.%I ALTER COLUMN %I DROP EXPRESSION', v_column.relname, v_column.attname);
    END LOOP;
END
$$;

-- What questions filter and sort conflicts by, from the document: written by put_rows, held against it by differing_columns.
CREATE OR REPLACE FUNCTION tracking_ledger.columns_of_conflicts(p_doc jsonb)
RETURNS TABLE (status text, created_at text)
LANGUAGE sql IMMUTABLE AS $$
    SELECT p_doc ->> 'status', p_doc ->> 'created_at'
$$;

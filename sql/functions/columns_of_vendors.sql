-- What questions filter and sort vendors by, from the document: written by put_rows, held against it by differing_columns.
CREATE OR REPLACE FUNCTION tracking_ledger.columns_of_vendors(p_doc jsonb)
RETURNS TABLE (name_key text, status text, withdrawn int)
LANGUAGE sql IMMUTABLE AS $$
    SELECT p_doc ->> 'name_key', p_doc ->> 'status', coalesce((p_doc ->> 'withdrawn')::boolean, false)::int
$$;

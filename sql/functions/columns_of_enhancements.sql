-- What questions filter and sort enhancements by, from the document: written by put_rows, held against it by differing_columns.
CREATE OR REPLACE FUNCTION tracking_ledger.columns_of_enhancements(p_doc jsonb)
RETURNS TABLE (status text, priority int, target_quarter text, rank text, withdrawn int)
LANGUAGE sql IMMUTABLE AS $$
    SELECT p_doc ->> 'status', (p_doc ->> 'priority')::int, p_doc ->> 'target_quarter',
           coalesce(p_doc ->> 'priority', '9') || ' ' || (p_doc ->> 'created_at'),
           coalesce((p_doc ->> 'withdrawn')::boolean, false)::int
$$;

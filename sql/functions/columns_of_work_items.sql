-- What questions filter and sort work items by, from the document: written by put_rows, held against it by differing_columns.
CREATE OR REPLACE FUNCTION tracking_ledger.columns_of_work_items(p_doc jsonb)
RETURNS TABLE (item_type text, status text, title text, parent_id text, priority int, rank text, hidden int,
               claimed_by text, claimed_until text, created_at text, updated_at text)
LANGUAGE sql IMMUTABLE AS $$
    SELECT p_doc ->> 'item_type', p_doc ->> 'status', p_doc ->> 'title', p_doc ->> 'parent_id', (p_doc ->> 'priority')::int,
           coalesce(p_doc ->> 'priority', '9') || ' ' || (p_doc ->> 'created_at'),
           (p_doc ->> 'deleted')::boolean::int + 2 * (p_doc ->> 'archived')::boolean::int + 4 * (p_doc ->> 'withdrawn')::boolean::int,
           p_doc -> 'claim' ->> 'by', p_doc -> 'claim' ->> 'until', p_doc ->> 'created_at', p_doc ->> 'updated_at'
$$;

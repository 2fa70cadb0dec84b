-- What questions filter and sort deployments by, from the document: written by put_rows, held against it by differing_columns.
CREATE OR REPLACE FUNCTION tracking_ledger.columns_of_deployments(p_doc jsonb)
RETURNS TABLE (deployed_at text, environment text, withdrawn int)
LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(p_doc ->> 'deployed_at', ''), p_doc ->> 'environment', coalesce((p_doc ->> 'withdrawn')::boolean, false)::int
$$;

-- The role of everybody who works with ledgers. Roles belong to the whole server, so it may be there already.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tracking_ledger_writer') THEN
        CREATE ROLE tracking_ledger_writer NOLOGIN;
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN NULL;  -- another database of this server was faster
END
$$;

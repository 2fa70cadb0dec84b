-- A role that works as another, by `role` of its settings, saw no row of the ledgers it may use: row security asked for
-- the memberships of the role it worked as, and everything else for those of the one that has connected.
ALTER POLICY own_memberships ON tracking_ledger.ledger_members
    USING (pg_has_role(session_user, to_regrole(quote_ident(member))::oid, 'MEMBER'));

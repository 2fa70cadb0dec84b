-- The ledgers of this database, who may use them, and which read models serve them.

CREATE TABLE tracking_ledger.ledgers (
    ledger_id  uuid PRIMARY KEY,
    origin     uuid NOT NULL,                 -- begins the digest chain; travels with an export
    name       text NOT NULL,                 -- only shown, never an identity
    state      text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed')),
    reason     text,                          -- why it is closed
    successor  text,                          -- where it went
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE tracking_ledger.ledger_members (
    ledger_id uuid NOT NULL,
    member    name NOT NULL,                  -- a database role; whoever has that role is a member
    PRIMARY KEY (ledger_id, member)
);

-- One row says which generation of a read model serves, for one shape of it. `behind_after` is the last position
-- it has seen when a program that does not know this shape appended past it; NULL means it is up to the head.
CREATE TABLE tracking_ledger.projections (
    ledger_id    uuid   NOT NULL,
    projection   text   NOT NULL,
    shape        int    NOT NULL,
    generation   bigint NOT NULL,
    behind_after bigint,
    PRIMARY KEY (ledger_id, projection, shape)
);

CREATE SEQUENCE tracking_ledger.generations;

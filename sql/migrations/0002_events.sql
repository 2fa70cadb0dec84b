-- The log: one row an event, append-only.

CREATE TABLE tracking_ledger.events (
    ledger_id      uuid        NOT NULL,
    position       bigint      NOT NULL,
    stream_id      text        NOT NULL COLLATE "C",
    version        int         NOT NULL,
    command_id     uuid        NOT NULL,
    n              int         NOT NULL,
    command        text        NOT NULL,
    command_digest bytea       NOT NULL,
    type           text        NOT NULL COLLATE "C",
    schema         int         NOT NULL,
    topics         text[]      NOT NULL,
    data           json        NOT NULL,      -- not jsonb: byte-exact for digest, journal and export
    by             text        NOT NULL,
    occurred_at    timestamptz NOT NULL,
    recorded_at    timestamptz NOT NULL,
    digest         bytea       NOT NULL,
    PRIMARY KEY (ledger_id, position),
    UNIQUE (ledger_id, stream_id, version),
    UNIQUE (ledger_id, command_id, n)
);

CREATE FUNCTION tracking_ledger.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'events are append-only: % is refused', TG_OP USING ERRCODE = 'TL009';
END
$$;

CREATE TRIGGER events_are_never_changed BEFORE UPDATE OR DELETE ON tracking_ledger.events
    FOR EACH ROW EXECUTE FUNCTION tracking_ledger.refuse_change();

CREATE TRIGGER events_are_never_emptied BEFORE TRUNCATE ON tracking_ledger.events
    FOR EACH STATEMENT EXECUTE FUNCTION tracking_ledger.refuse_change();

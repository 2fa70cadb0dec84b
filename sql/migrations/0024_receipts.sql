-- What an append answers is a type of its own: the server makes the columns that a function answers anew for each call.
CREATE TYPE tracking_ledger.receipt AS (
    first_position bigint,
    last_position  bigint,
    recorded_at    timestamptz,
    repeated       boolean,
    streams        json,
    before         text,
    after          text
);

-- Functions that answer something else now, and so are made anew.
DROP FUNCTION IF EXISTS tracking_ledger.append_events(
    uuid, uuid, text, bytea, text[], int[], bigint, bigint, uuid, text, bigint, text, text, text[], text[], int[], text[], int[],
    text[], text[], timestamptz[], text, text[], int[], boolean[], text[], int[], bigint[], text[], text, json, text, text);
DROP FUNCTION IF EXISTS tracking_ledger.columns_of_work_items(jsonb);

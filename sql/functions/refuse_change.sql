-- What the triggers of `events` answer to any attempt to change it.
CREATE OR REPLACE FUNCTION tracking_ledger.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'events are append-only: % is refused', TG_OP USING ERRCODE = 'TL009';
END
$$;

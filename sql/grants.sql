-- Who may do what: the writers' role reads rows and executes the API functions below; it can change no table.
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA tracking_ledger FROM PUBLIC;

DO $$
DECLARE
    api_function text;
BEGIN
    GRANT USAGE ON SCHEMA tracking_ledger TO tracking_ledger_writer;
    GRANT SELECT ON tracking_ledger.ledger_members, tracking_ledger.events, tracking_ledger.projections, tracking_ledger.entries,
        tracking_ledger.work_items, tracking_ledger.vendors, tracking_ledger.deployments,
        tracking_ledger.enhancements, tracking_ledger.configurations, tracking_ledger.conflicts, tracking_ledger.things, tracking_ledger.migrations
        TO tracking_ledger_writer;
    FOREACH api_function IN ARRAY ARRAY[
        'is_member', 'enter_ledger', 'create_ledger', 'open_ledger', 'adopt_origin', 'list_ledgers', 'register_projections', 'read_streams', 'page_of_events', 'page_of_facts',
        'find_command', 'append_event', 'append_events', 'append_group', 'append_group_at_once', 'lock_for_writing', 'fill_generation', 'mark_generation', 'new_generation',
        'serve_generation', 'begin_rebuilding', 'remove_retired', 'position_at', 'refresh_statistics', 'matching', 'obstacles', 'differing_terms', 'differing_columns', 'known_at',
        'ledger_overview', 'rename_ledger', 'close_ledger', 'reopen_ledger', 'set_member', 'head_of',
        'sum_of_read_model', 'prove_events', 'begin_moving', 'place_ledger', 'list_databases'] LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION tracking_ledger.%I TO tracking_ledger_writer', api_function);
    END LOOP;
END
$$;

-- Takes the events as they come.
COPY pg_temp.arriving (ledger_id, position, stream_id, version, command_id, n, command, command_digest, type,
                       schema, topics, data, by, occurred_at, recorded_at, digest) FROM STDIN (FORMAT BINARY)

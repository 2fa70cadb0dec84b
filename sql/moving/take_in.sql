-- Puts what arrived behind the log's last event, in its order.
INSERT INTO tracking_ledger.events (ledger_id, position, stream_id, version, command_id, n, command, command_digest, type,
                                    schema, topics, data, by, occurred_at, recorded_at, digest)
SELECT a.ledger_id, a.position, a.stream_id, a.version, a.command_id, a.n, a.command, a.command_digest, a.type,
       a.schema, a.topics, a.data, a.by, a.occurred_at, a.recorded_at, a.digest
FROM pg_temp.arriving a WHERE a.ledger_id = %(ledger)s ORDER BY a.position

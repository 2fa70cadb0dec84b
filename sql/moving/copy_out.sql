-- The events of a ledger after one position and up to another, in their order.
COPY (SELECT e.ledger_id, e.position, e.stream_id, e.version, e.command_id, e.n, e.command, e.command_digest, e.type,
             e.schema, e.topics, e.data, e.by, e.occurred_at, e.recorded_at, e.digest
      FROM tracking_ledger.events e
      WHERE e.ledger_id = {ledger} AND e.position > {after} AND e.position <= {up_to}
      ORDER BY e.position) TO STDOUT (FORMAT BINARY)

// One turn of @event-driven-io/emmett-postgresql:
// node emmett.mjs ADDRESS append WRITERS SECONDS | append_with_rows WRITERS SECONDS | rebuild EVENTS BATCH
// Prints {"count", "seconds"}. NODE_DIR holds its node_modules, PAYLOAD is the JSON of every event.
import { createRequire } from 'node:module';
import { randomUUID } from 'node:crypto';
import { pathToFileURL } from 'node:url';

const required = createRequire(pathToFileURL(process.env.NODE_DIR + '/x.js'));
const { getPostgreSQLEventStore, postgreSQLEventStoreConsumer, postgreSQLRawSQLProjection } =
  required('@event-driven-io/emmett-postgresql');
const { projections } = required('@event-driven-io/emmett');
const { SQL } = required('@event-driven-io/dumbo');
const [, , address, what, ...given] = process.argv;
const event = () => ({ type: 'Created', data: JSON.parse(process.env.PAYLOAD) });
// The row that peer_stores.py writes with the other peers' events, in the transaction of the append.
const rows = postgreSQLRawSQLProjection({
  name: 'peer_rows',
  canHandle: ['Created'],
  evolve: ({ data }) => SQL`INSERT INTO peer_rows VALUES (${randomUUID()}, 1, ${data.title}, ${JSON.stringify(data)}::jsonb)
    ON CONFLICT (id) DO UPDATE SET (version, title, doc) = (excluded.version, excluded.title, excluded.doc)`,
});
const store = getPostgreSQLEventStore(address, what === 'append_with_rows' ? { projections: projections.inline([rows]) } : {});
await store.schema.migrate();

async function append(writers, seconds) {
  await store.appendToStream('task-' + randomUUID(), [event()]);
  let count = 0;
  const began = performance.now();
  const until = began + seconds * 1000;
  await Promise.all(Array.from({ length: writers }, async () => {
    while (performance.now() < until) {
      await store.appendToStream('task-' + randomUUID(), [event()]);
      count += 1;
    }
  }));
  return { count, seconds: (performance.now() - began) / 1000 };
}

// Every event of a fresh table through its consumer, which keeps a checkpoint; the handler itself does nothing.
async function rebuild(events, batchSize) {
  const pool = new (required('pg').Pool)({ connectionString: address, max: 1 });
  const kept = Number((await pool.query('SELECT count(*) AS n FROM emt_messages')).rows[0].n);
  await pool.end();
  for (let n = kept; n < events; n += 500)
    await store.appendToStream('task-' + randomUUID(), Array.from({ length: 500 }, event));
  let count = 0;
  let enough;
  const all = new Promise((resolve) => (enough = resolve));
  const consumer = postgreSQLEventStoreConsumer({ connectionString: address, pulling: { batchSize } });
  consumer.reactor({ processorId: 'turn-' + randomUUID(), eachMessage: () => { if (++count >= events) enough(); } });
  const began = performance.now();
  const running = consumer.start();
  await Promise.race([all, running]);
  return { count, seconds: (performance.now() - began) / 1000 };
}

const found = await (what === 'rebuild' ? rebuild : append)(...given.map(Number));
console.log(JSON.stringify(found));
process.exit(0);

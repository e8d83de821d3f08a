import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import pg from 'pg';

const pool = new pg.Pool({ connectionString: process.env['PLAIN_DATABASE_URL'], max: 4 });
await pool.query(
  'create table plain_events (id bigint generated always as identity primary key, payload text not null, received_at timestamptz not null default now())',
);

type Body = { entry: { changes: { value: { statuses: unknown[] } }[] }[] };

/** The least that stores what Meta posts: no signature, no tenant, no key, nothing applied; one insert for each POST. */
const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.once('end', () => {
    const { entry } = JSON.parse(Buffer.concat(chunks).toString()) as Body;
    const payloads = entry.flatMap(({ changes }) =>
      changes.flatMap(({ value }) => value.statuses.map((status) => JSON.stringify(status))),
    );
    pool.query('insert into plain_events (payload) select unnest($1::text[])', [payloads]).then(
      () => response.writeHead(200).end('EVENT_RECEIVED'),
      () => response.writeHead(503).end(),
    );
  });
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
process.once('disconnect', () => process.exit());
process.send?.((server.address() as AddressInfo).port);

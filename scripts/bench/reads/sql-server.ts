import { createServer } from 'node:http';
import pg from 'pg';

/**
 * What somebody would write by hand who wants this one page as fast as it goes: node:http, one statement that makes the JSON, no
 * sign-in. The walls are the same as ours: the application's role and a read-only transaction bound to the tenant.
 */
const [databaseUrl, tenantId = '', port] = process.argv.slice(2);
if (!databaseUrl) throw new Error('Usage: sql-server.ts DATABASE_URL TENANT_ID PORT');

const pool = new pg.Pool({ connectionString: databaseUrl, max: 20 });
const begin = `begin read only; select set_config('app.tenant_id', ${pg.escapeLiteral(tenantId)}, true)`;
const page = {
  name: 'page',
  text: `
    select coalesce(json_agg(p), '[]')::text as nodes from (
      select c.id, c.name, c.email, c.created_at as "createdAt", (
        select coalesce(json_agg(json_build_object('id', t.id, 'name', t.name) order by ct.created_at, ct.tag_id), '[]')
          from contact_tags ct join tags t on t.tenant_id = ct.tenant_id and t.id = ct.tag_id
         where ct.tenant_id = c.tenant_id and ct.contact_id = c.id
      ) as tags
      from contacts c where c.tenant_id = $1 and c.merged_into_id is null
      order by c.created_at desc, c.id desc limit 20
    ) p`,
  values: [tenantId],
};

async function answer(): Promise<string> {
  const client = await pool.connect();
  try {
    await client.query(begin);
    const { rows } = await client.query<{ nodes: string }>(page);
    await client.query('commit');
    return `{"nodes":${rows[0]?.nodes}}`;
  } finally {
    client.release();
  }
}

const server = createServer((request, response) => {
  request.resume();
  answer().then(
    (json) => {
      response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' });
      response.end(json);
    },
    (error: unknown) => {
      console.error(error);
      response.writeHead(500).end();
    },
  );
});
server.listen(Number(port), '127.0.0.1');
process.once('SIGTERM', () => server.close(() => void pool.end()));

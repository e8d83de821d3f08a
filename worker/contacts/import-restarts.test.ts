import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { createDb } from '../../prisma/client.ts';
import { migrateDatabase } from '../../prisma/migrate.ts';
import { startLocalPostgres } from '../../runtime/local-postgres.ts';
import { seeded, test } from '../../test/fleet/fleet.ts';
import { expectImported, expectQuiet, getsOn, type OpenImport, keepImporting } from '../../test/fleet/imports.ts';
import { databaseUrls } from '../../test/template-database.ts';
import { expect } from '../../test/fixtures.ts';

test('restarts of Postgres, clean or by crash, are a pause: the same workers go on, and every record is accounted for once', async ({
  fleet,
  storage,
}) => {
  const random = seeded('restarts');
  await using server = await startLocalPostgres({ durable: true }); // a crash must lose nothing that was committed
  const admin = new pg.Client({ connectionString: server.url('postgres') });
  await admin.connect();
  await admin.query(`create role parley_owner login createrole password 'owner'`);
  await admin.query('create database restarted owner parley_owner');
  await admin.end();
  const urls = databaseUrls(server.url('restarted'));
  await migrateDatabase(urls);
  await using closing = new AsyncDisposableStack();
  const poolOf = (connectionString: string) => {
    const pool = new pg.Pool({ connectionString, max: 2 });
    pool.on('error', () => {}); // it breaks at every restart
    closing.defer(() => pool.end());
    return pool;
  };
  const superuser = poolOf(server.url('restarted'));
  const queue = poolOf(urls.queue);
  await using db = createDb(urls.app, { poolSize: 2 });

  const imports: OpenImport[] = [];
  const env = { IMPORT_PAGE_RECORDS: '20', IMPORT_SLICE_MS: '1000' };
  const workers = [fleet.start({ main: true, urls, env }), fleet.start({ main: true, urls, env })];
  for (const mode of ['fast', 'immediate', 'fast', 'immediate'] as const) {
    await keepImporting({ db, storage }, superuser, imports, 1_500);
    await getsOn(superuser);
    await pause(random() * 300); // a random moment
    await server.restart(mode);
    const back = performance.now();
    await getsOn(superuser);
    process.stdout.write(
      `imports went on ${((performance.now() - back) / 1_000).toFixed(1)} s after a restart (${mode})\n`,
    );
  }
  for (const one of imports) await expectImported(db, one);
  await expectQuiet(queue);
  for (const worker of workers) {
    expect(worker.isRunning()).toBe(true);
    expect(worker.lines.filter(({ level }) => level === 'fatal')).toEqual([]);
    worker.kill('SIGTERM');
    expect(await worker.exited).toEqual({ code: 0, signal: null });
  }
}, 300_000);

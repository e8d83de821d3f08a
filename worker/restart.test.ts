import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { migrateDatabase } from '../prisma/migrate.ts';
import { startLocalPostgres } from '../runtime/local-postgres.ts';
import { eventually, expectStepsDone, leaveWork, scratchTables, seeded, test } from '../test/fleet/fleet.ts';
import { databaseUrls } from '../test/template-database.ts';
import { expect } from '../test/fixtures.ts';

test('restarts of Postgres, clean or by crash, are a pause: the same workers go on, and the work is done once', async ({
  fleet,
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
  const poolOf = (connectionString: string) => {
    const pool = new pg.Pool({ connectionString, max: 2 });
    pool.on('error', () => {});
    return pool;
  };
  const scratch = poolOf(server.url('restarted'));
  await using closing = new AsyncDisposableStack();
  closing.defer(() => scratch.end());
  await scratch.query(scratchTables);
  await leaveWork(scratch, randomUUID(), 4, 1_000_000);
  const workers = [fleet.start({ urls }), fleet.start({ urls })];
  await eventually(scratch, 'select count(*) > 20 from test_steps', true);

  for (const mode of ['fast', 'immediate', 'fast', 'immediate'] as const) {
    await pause(random() * 300); // a random moment
    await server.restart(mode);
    const { rows } = await scratch.query<{ steps: number }>('select count(*)::int as steps from test_steps');
    await eventually(scratch, `select count(*) > ${(rows[0]?.steps ?? 0) + 20} from test_steps`, true);
  }
  await scratch.query('update test_works set total = done + 50');
  const queue = poolOf(urls.queue);
  closing.defer(() => queue.end());
  await expectStepsDone(scratch, queue);
  for (const worker of workers) {
    expect(worker.isRunning()).toBe(true);
    expect(worker.lines.filter(({ level }) => level === 'fatal')).toEqual([]);
    worker.kill('SIGTERM');
    expect(await worker.exited).toEqual({ code: 0, signal: null });
  }
}, 180_000);

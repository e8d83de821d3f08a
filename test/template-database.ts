import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { migrateDatabase } from '../prisma/migrate.ts';
import { startLocalPostgres } from '../runtime/local-postgres.ts';
import { findLeaks } from './leaks/check.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** A superuser's URL of the server, to copy the template from. */
    postgresUrl: string;
  }
}

export const templateName = 'parley_template';

/** Once a run: a Postgres and a migrated database that every test copies in a fraction of a second. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startLocalPostgres({ durable: false });
  const admin = new pg.Client({ connectionString: server.url('postgres') });
  await admin.connect();
  // An owner as in production: no superuser, only allowed to create roles and its own database.
  await admin.query(`create role parley_owner login createrole password 'owner'`);
  await admin.query(`create database ${templateName} owner parley_owner`);
  await migrateDatabase(databaseUrls(server.url(templateName)));
  await admin.query(`alter database ${templateName} is_template true allow_connections false`);
  await admin.end();
  project.provide('postgresUrl', server.url('postgres'));
  const data = join(project.config.root, '.data');
  await mkdir(data, { recursive: true });
  const folder = await mkdtemp(join(data, 'leaks-'));
  project.provide('leaksFolder', folder);
  return async () => {
    await server[Symbol.asyncDispose]();
    await writeFile(join(folder, 'written.postgres'), server.log.map((line) => `postgres\t${line}`).join('\n'));
    const leaks = await findLeaks(folder);
    await rm(folder, { recursive: true });
    if (leaks.length > 0) {
      process.exitCode = 1;
      throw new Error(`Secrets of the tests were written where somebody could read them:\n${leaks.join('\n')}`);
    }
  };
}

/** The three roles' URLs of a database, given a superuser's. */
export function databaseUrls(superuserUrl: string): { owner: string; app: string; queue: string } {
  const as = (name: string, password: string) => {
    const url = new URL(superuserUrl);
    url.username = name;
    url.password = password;
    return url.href;
  };
  return { owner: as('parley_owner', 'owner'), app: as('app', 'app'), queue: as('queue', 'queue') };
}

import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { migrateDatabase } from '../prisma/migrate.ts';
import { startLocalPostgres } from '../runtime/local-postgres.ts';

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
  return async () => {
    await server[Symbol.asyncDispose]();
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

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PrismaPg } from '@prisma/adapter-pg';
import {
  bindMigrationAwareSqlAdapterFactory,
  ColumnTypeEnum,
  type SqlDriverAdapter,
} from '@prisma/driver-adapter-utils';
import type * as Engine from '@prisma/schema-engine-wasm';
import type { MigrationList, SchemaContainer, SchemaEngine } from '@prisma/schema-engine-wasm';
import { Pool } from 'pg';

const here = import.meta.dirname;

/**
 * Prisma's own schema engine, the WebAssembly build: the native one wants to be downloaded, which many machines cannot do.
 * It keeps `_prisma_migrations` as `prisma migrate deploy` would.
 */
async function withEngine<T>(
  connect: () => Promise<SqlDriverAdapter>,
  datamodels: SchemaFile[],
  use: (engine: SchemaEngine) => Promise<T>,
): Promise<T> {
  const { SchemaEngine } = await loadEngine();
  const files = datamodels.map(({ path, content }): [string, string] => [path, content]);
  const factory = bindMigrationAwareSqlAdapterFactory({ ...postgres, connect, connectToShadowDb: connect });
  const engine = await SchemaEngine.new({ datamodels: files }, () => {}, factory);
  try {
    return await use(engine);
  } finally {
    engine.free();
  }
}

/** A file of Prisma's schema language. */
export type SchemaFile = SchemaContainer;

const postgres = { provider: 'postgres', adapterName: '@prisma/adapter-pg' } as const;

type Bindings = typeof Engine & {
  __wbg_set_wasm(exports: Record<string, unknown>): void;
};
// Node has it; its types come only with those of a browser.
declare const WebAssembly: {
  instantiate(bytes: Uint8Array, imports: object): Promise<{ instance: { exports: Record<string, unknown> } }>;
};
let loading: Promise<Bindings> | undefined;

/** Once a process: the bindings keep views of the first instance's memory. */
function loadEngine(): Promise<Bindings> {
  loading ??= (async () => {
    const specifier: string = '@prisma/schema-engine-wasm/schema_engine_bg'; // an entry without types
    const bindings = (await import(specifier)) as Bindings;
    const file = new URL('schema_engine_bg.wasm', import.meta.resolve(specifier));
    const wasm = await WebAssembly.instantiate(await readFile(file), { './schema_engine_bg.js': { ...bindings } });
    bindings.__wbg_set_wasm(wasm.instance.exports);
    (wasm.instance.exports['__wbindgen_start'] as () => void)();
    return bindings;
  })();
  return loading;
}

/** The adapter cuts a script at every semicolon, also inside a function's body: hand Postgres the whole script. */
async function wholeScripts(pool: Pool, onFailure: (cause: unknown) => void): Promise<SqlDriverAdapter> {
  const adapter = await new PrismaPg(pool).connect();
  adapter.executeScript = async (script: string) => {
    await pool.query(script).catch((cause: unknown) => {
      onFailure(cause); // the engine forgets what Postgres said
      throw cause;
    });
  };
  return adapter;
}

/** The engine greets every database with the same question before it compares files; this answers it without one. */
async function noDatabase(): Promise<SqlDriverAdapter> {
  const refuse = () => Promise.reject(new Error('Schema files are compared without a database.'));
  return {
    ...postgres,
    queryRaw: async ({ sql }) => {
      if (!sql.includes('version()')) return refuse();
      const { Boolean, Text, Int32 } = ColumnTypeEnum;
      const columnNames = ['exists', 'version', 'numeric_version'];
      return { columnNames, columnTypes: [Boolean, Text, Int32], rows: [[true, 'PostgreSQL 18.4', 180_004]] };
    },
    executeRaw: refuse,
    executeScript: refuse,
    startTransaction: refuse,
    dispose: async () => {},
  };
}

/**
 * Applies what has not been applied yet; returns the names of the migrations that were. A script is one transaction, so one that
 * failed before has left nothing, and is tried again. Nobody else may be at it at the same time.
 */
export async function applyMigrations(databaseUrl: string): Promise<string[]> {
  const migrationsList = await readMigrations();
  const pool = new Pool({ connectionString: databaseUrl, max: 4 });
  let failure: unknown;
  try {
    return await withEngine(
      () => wholeScripts(pool, (cause) => (failure = cause)),
      await readSchema(),
      async (engine) => {
        const found = await engine.diagnoseMigrationHistory({ migrationsList, filters, optInToShadowDatabase: false });
        for (const migrationName of found.failedMigrationNames) await engine.markMigrationRolledBack({ migrationName });
        return (await engine.applyMigrations({ migrationsList, filters })).appliedMigrationNames;
      },
    );
  } catch (error) {
    if (!(failure instanceof Error)) throw error;
    throw new Error(`A migration failed and left nothing: ${failure.message}`, { cause: error });
  } finally {
    await pool.end(); // freeing the engine leaves its connections open
  }
}

/** The SQL that turns one version of the schema files into another; from nothing when `from` is not given. */
export function diffSchema(to: SchemaFile[], from?: SchemaFile[]): Promise<string> {
  return withEngine(noDatabase, to, async (engine) => {
    const result = await engine.diff({
      from: from ? { tag: 'schemaDatamodel', files: from } : { tag: 'empty' },
      to: { tag: 'schemaDatamodel', files: to },
      script: true,
      exitCode: null,
      filters,
    });
    return result.stdout ?? '';
  });
}

const filters = { externalTables: [], externalEnums: [] };

/** The schema files as the engine wants them. */
export async function readSchema(folder: string = here): Promise<SchemaFile[]> {
  const models = (await readdir(join(folder, 'models'))).filter((name) => name.endsWith('.prisma')).sort();
  const paths = [join(folder, 'schema.prisma'), ...models.map((name) => join(folder, 'models', name))];
  return Promise.all(paths.map(async (path) => ({ path, content: await readFile(path, 'utf8') })));
}

/** The names of all migrations, oldest first. */
export async function migrationNames(): Promise<string[]> {
  const entries = await readdir(join(here, 'migrations'), { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

async function readMigrations(): Promise<MigrationList> {
  const baseDir = join(here, 'migrations');
  const migrationDirectories = await Promise.all(
    (await migrationNames()).map(async (path) => {
      const value = await readFile(join(baseDir, path, 'migration.sql'), 'utf8');
      return { path, migrationFile: { path: 'migration.sql', content: { tag: 'ok' as const, value } } };
    }),
  );
  const lockfile = {
    path: 'migration_lock.toml',
    content: await readFile(join(baseDir, 'migration_lock.toml'), 'utf8'),
  };
  return { baseDir, lockfile, shadowDbInitScript: '', migrationDirectories };
}

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PrismaPg } from '@prisma/adapter-pg';
import {
  bindMigrationAwareSqlAdapterFactory,
  type SqlDriverAdapter,
  type SqlMigrationAwareDriverAdapterFactory,
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
  databaseUrl: string,
  datamodels: SchemaContainer[],
  use: (engine: SchemaEngine) => Promise<T>,
): Promise<T> {
  const { SchemaEngine } = await loadEngine();
  const files = datamodels.map(({ path, content }): [string, string] => [path, content]);
  const { factory, close } = wholeScripts(databaseUrl);
  try {
    const engine = await SchemaEngine.new(
      { datamodels: files },
      () => {},
      bindMigrationAwareSqlAdapterFactory(factory),
    );
    try {
      return await use(engine);
    } finally {
      engine.free();
    }
  } finally {
    await close(); // freeing the engine leaves its connections open
  }
}

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
function wholeScripts(connectionString: string): {
  factory: SqlMigrationAwareDriverAdapterFactory;
  close: () => Promise<void>;
} {
  const pool = new Pool({ connectionString, max: 4 });
  const inner = new PrismaPg(pool);
  const connect = async (): Promise<SqlDriverAdapter> => {
    const adapter = await inner.connect();
    adapter.executeScript = async (script: string) => {
      await pool.query(script);
    };
    return adapter;
  };
  const { provider, adapterName } = inner;
  return { factory: { provider, adapterName, connect, connectToShadowDb: connect }, close: () => pool.end() };
}

/** Applies what has not been applied yet; returns the names of the migrations that were. */
export async function applyMigrations(databaseUrl: string): Promise<string[]> {
  const input = { migrationsList: await readMigrations(), filters: { externalTables: [], externalEnums: [] } };
  return withEngine(
    databaseUrl,
    await readSchema(),
    async (engine) => (await engine.applyMigrations(input)).appliedMigrationNames,
  );
}

/** The SQL that turns one version of the schema files into another; from nothing when `from` is not given. */
export function diffSchema(databaseUrl: string, to: SchemaContainer[], from?: SchemaContainer[]): Promise<string> {
  return withEngine(databaseUrl, to, async (engine) => {
    const result = await engine.diff({
      from: from ? { tag: 'schemaDatamodel', files: from } : { tag: 'empty' },
      to: { tag: 'schemaDatamodel', files: to },
      script: true,
      exitCode: null,
      filters: { externalTables: [], externalEnums: [] },
    });
    return result.stdout ?? '';
  });
}

/** The schema files as the engine wants them. */
export async function readSchema(): Promise<SchemaContainer[]> {
  const models = (await readdir(join(here, 'models'))).filter((name) => name.endsWith('.prisma')).sort();
  const paths = [join(here, 'schema.prisma'), ...models.map((name) => join(here, 'models', name))];
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

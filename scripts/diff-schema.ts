import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { diffSchema, readSchema, type SchemaFile } from '../prisma/schema-engine.ts';

const run = promisify(execFile);
const repository = join(import.meta.dirname, '..');

export type NextMigration = {
  /** What the migration does, in a few words; part of its folder's name. */
  name: string;
  /** The commit whose schema files the database is at. */
  from?: string;
  root?: string;
  now?: Date;
};

/** Writes the migration from the committed schema files to the ones that lie here; returns its path, or null when nothing changed. */
export async function writeNextMigration(next: NextMigration): Promise<string | null> {
  const { from = 'HEAD', root = repository, now = new Date() } = next;
  const slug = next.name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .replaceAll(/^_|_$/g, '');
  if (slug === '') throw new Error('Say in a few words what the migration does: npm run diff -- add_orders');
  const script = await diffSchema(await readSchema(join(root, 'prisma')), await schemaAt(root, from));
  if (!/^[A-Z]/m.test(script)) return null; // comments only
  const folder = join(root, 'prisma', 'migrations', `${timestamp(now)}_${slug}`);
  await mkdir(folder);
  const file = join(folder, 'migration.sql');
  await writeFile(file, script);
  return file;
}

/** The schema files as they were committed. */
async function schemaAt(root: string, commit: string): Promise<SchemaFile[]> {
  const git = async (...args: string[]) => (await run('git', args, { cwd: root, maxBuffer: 16_000_000 })).stdout;
  const listed = await git('ls-tree', '--name-only', `${commit}:prisma`).catch((cause: unknown) => {
    throw new Error(`There are no schema files in ${commit}.`, { cause });
  });
  const models = listed.includes('models\n') ? await git('ls-tree', '--name-only', `${commit}:prisma/models`) : '';
  const paths = ['schema.prisma', ...models.split('\n').map((name) => `models/${name}`)];
  const wanted = paths.filter((path) => path.endsWith('.prisma'));
  return Promise.all(wanted.map(async (path) => ({ path, content: await git('show', `${commit}:prisma/${path}`) })));
}

const timestamp = (now: Date) => now.toISOString().replaceAll(/\D/g, '').slice(0, 14);

if (import.meta.main) {
  const { values, positionals } = parseArgs({ options: { from: { type: 'string' } }, allowPositionals: true });
  const from = values.from === undefined ? {} : { from: values.from };
  const file = await writeNextMigration({ name: positionals.join(' '), ...from });
  if (file === null) console.log('The schema files say what they said: there is nothing to migrate.');
  else {
    console.log(
      `Wrote ${basename(join(file, '..'))}. Read it, and add what Prisma cannot say: for a new table its line in`,
    );
    console.log(
      'prisma/tables.ts, row-level security, policy and grants; CHECKs; partial indexes. npm test says what is missing.',
    );
  }
}

import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test as base } from 'vitest';
import { writeNextMigration } from './diff-schema.ts';

const run = promisify(execFile);
const header = 'datasource db {\n  provider = "postgresql"\n}\n';
const model = (fields: string) =>
  `model Order {\n  tenantId String @map("tenant_id") @db.Uuid\n${fields}\n  @@id([tenantId])\n  @@map("orders")\n}\n`;

/** A repository with one committed model, to be changed. */
const test = base.extend<{
  repository: { root: string; write: (fields: string) => Promise<void>; commit: () => Promise<void> };
}>({
  repository: async ({}, use) => {
    const root = await mkdtemp(join(tmpdir(), 'parley-diff-'));
    const git = (...args: string[]) =>
      run('git', ['-c', 'user.name=Test', '-c', 'user.email=test@example.com', ...args], { cwd: root });
    const write = (fields: string) => writeFile(join(root, 'prisma', 'models', 'orders.prisma'), model(fields));
    await mkdir(join(root, 'prisma', 'models'), { recursive: true });
    await mkdir(join(root, 'prisma', 'migrations'));
    await writeFile(join(root, 'prisma', 'schema.prisma'), header);
    await write('  total Int');
    await git('init', '--quiet');
    const commit = async () => {
      await git('add', '.');
      await git('commit', '--quiet', '--no-gpg-sign', '--message', 'Change the schema');
    };
    await commit();
    await use({ root, write, commit });
    await rm(root, { recursive: true });
  },
});

test('the next migration leads from the committed schema files to the ones that lie here', async ({ repository }) => {
  const { root, write } = repository;
  await write('  total Int\n  note String?');
  const file = await writeNextMigration({ name: 'Add a note!', root, now: new Date('2027-01-02T03:04:05Z') });
  expect(file).toBe(join(root, 'prisma', 'migrations', '20270102030405_add_a_note', 'migration.sql'));
  expect(await readFile(file ?? '', 'utf8')).toContain('ALTER TABLE "orders" ADD COLUMN     "note" TEXT;');
});

test('an older commit can be started from, when the schema files were committed before their migration', async ({
  repository,
}) => {
  const { root, write, commit } = repository;
  await write('  total BigInt');
  await commit();
  expect(await writeNextMigration({ name: 'nothing', root })).toBeNull();
  const file = await writeNextMigration({ name: 'wider totals', from: 'HEAD~1', root });
  expect(await readFile(file ?? '', 'utf8')).toContain('"total" SET DATA TYPE BIGINT');
});

test('a commit without schema files, and a migration without a name, are refused', async ({ repository }) => {
  const { root } = repository;
  await expect(writeNextMigration({ name: 'x', from: 'nowhere', root })).rejects.toThrow(
    'There are no schema files in nowhere.',
  );
  await expect(writeNextMigration({ name: '—', root })).rejects.toThrow('Say in a few words');
});

// Runs before every other script, under whatever Node the machine has (18 or newer): installs the locked dependencies and generates
// the Prisma client when either is missing or out of date. Plain JavaScript, no dependencies.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bundled = { linux: ['x64', 'arm64'], win32: ['x64'] }[process.platform]?.includes(process.arch) ?? false;
if (!bundled && Number(process.versions.node.split('.')[0]) < 24) {
  fail(
    `Parley runs on Node 24 or newer and can bring it along only on Linux and Windows; this is Node ${process.versions.node}. Please install Node 24.`,
  );
}

const hash = (files) => {
  const sum = createHash('sha256');
  for (const file of files) sum.update(readFileSync(join(root, file)));
  return sum.digest('hex');
};
const isCurrent = (stamp, sum) => existsSync(join(root, stamp)) && readFileSync(join(root, stamp), 'utf8') === sum;

const locked = hash(['package-lock.json']);
const installed = join('node_modules', '.parley-installed');
if (!isCurrent(installed, locked)) {
  console.error('Installing the locked dependencies (once)…');
  // What is locked was old enough when it was chosen: asking for the age of each would only take time.
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error', '--min-release-age=0'], {});
  writeFileSync(join(root, installed), locked);
}
linkNode();

const models = readdirSync(join(root, 'prisma', 'models'))
  .sort()
  .map((name) => join('prisma', 'models', name));
const schema = hash(['package-lock.json', join('prisma', 'schema.prisma'), ...models]);
const generated = join('prisma', 'generated', '.parley-generated');
if (!isCurrent(generated, schema)) {
  // The generator needs no schema engine but insists on one, and would download it: any executable satisfies it.
  run(join('node_modules', '.bin', 'prisma'), ['generate'], {
    PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
    PRISMA_HIDE_UPDATE_MESSAGE: '1',
  });
  writeFileSync(join(root, generated), schema);
}

/** npm 10 takes the link to our Node away again, with those of the machines that this is not. */
function linkNode() {
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  const bin = join(root, 'node_modules', '.bin');
  if (!bundled || !existsSync(join(root, 'node_modules', name))) return;
  if (process.platform !== 'win32') {
    if (!existsSync(join(bin, 'node'))) symlinkSync(join('..', name, 'bin', 'node'), join(bin, 'node'));
  } else if (!existsSync(join(bin, 'node.cmd'))) {
    writeFileSync(join(bin, 'node.cmd'), `@"%~dp0\\..\\${name}\\bin\\node.exe" %*\r\n`);
  }
}

function run(command, args, env) {
  const path = [join(root, 'node_modules', '.bin'), process.env.PATH].join(process.platform === 'win32' ? ';' : ':');
  const options = {
    cwd: root,
    env: { ...process.env, PATH: path, ...env },
    encoding: 'utf8',
    shell: process.platform === 'win32',
  };
  const result = spawnSync(command, args, options);
  if (result.status !== 0)
    fail(`${command} ${args.join(' ')} failed:\n${result.stdout ?? ''}${result.stderr ?? ''}${result.error ?? ''}`);
}

function fail(message) {
  console.error(message);
  process.exit(1);
}

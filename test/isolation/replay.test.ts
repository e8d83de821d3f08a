import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { assertInputObjectType, getNamedType } from 'graphql';
import { tables } from '../../prisma/tables.ts';
import { expect, test as base } from '../fixtures.ts';
import type { Connection } from '../sql.ts';
import { ownerOf } from './answers.ts';
import { calls, type Variables } from './calls.ts';
import { hashRows } from './rows.ts';
import type { RootField } from './schema-walk.ts';
import { isSuccess, operationOf, roots, type Tenant } from './tenant.ts';
import { createWorld, type World } from './world.ts';

const test = base.extend<{ world: World }>({ world: [async ({}, use) => createWorld(use), { scope: 'file' }] });

/** Every mutation that takes a key: schema.test.ts makes sure that those of somebody signed in do. */
const repeatable = [...roots.values()].filter(({ operation, field }) => {
  const [input] = field.args;
  return (
    operation === 'mutation' && input && 'idempotencyKey' in assertInputObjectType(getNamedType(input.type)).getFields()
  );
});

/** What an answer shows to the one request that did it, and to no repeat. */
const shownOnce: Readonly<Record<string, string[]>> = {
  uploadCreate: ['url'],
  auditExport: ['url', 'expiresAt'],
  apiKeyCreate: ['secret'],
  apiKeyRotate: ['secret'],
  totpBegin: ['uri', 'secret'],
  totpConfirm: ['codes'],
  recoveryCodesRenew: ['codes'],
};

/** What answers one request only, as all of its answer is shown once: a repeat is told so. */
const answeredOnce = new Set(['sessionSwitch']);

/** What goes on by itself after the answer, so that a later answer tells of a later state. */
const goesOn = new Set(['campaignLaunch']);

type Result = Record<string, unknown> | null;

const outcome = (name: string, result: Result) => {
  const kept = Object.entries(result ?? {}).filter(
    ([field]) =>
      !(shownOnce[name] ?? []).includes(field) && (!goesOn.has(name) || ['__typename', 'id'].includes(field)),
  );
  return Object.fromEntries(kept);
};

async function send(tenant: Tenant, root: RootField, variables: Variables): Promise<Result> {
  const { query } = operationOf(root, 0);
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await pause(20)) {
    const { data, body } = await tenant.send(query, variables);
    const result = (data?.[root.name] ?? null) as Result;
    if (result?.['__typename'] === 'StillRunningError') continue; // as the answer asks for
    const isTold = answeredOnce.has(root.name) && result?.['__typename'] === 'ConflictError';
    if (!isSuccess(result) && !isTold) throw new Error(`${root.name} did not work: ${body}`);
    return result;
  }
  throw new Error(`${root.name} never ended.`);
}

/** Waits until nothing happens by itself any more: audiences are frozen in the background. */
async function calm({ query }: Connection, { person }: Tenant): Promise<void> {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await pause(20)) {
    const { rows } = await query<{ open: number }>(
      `select count(*)::int as open from campaigns where tenant_id = $1 and status = 'LAUNCHING'`,
      [person.tenantId],
    );
    if (rows[0]?.open === 0) return;
  }
  throw new Error('A launch never ended.');
}

/** How many rows a tenant and its person have in each table, and jobs in the queue. */
async function countRows({ query }: Connection, tenant: Tenant): Promise<Record<string, number>> {
  const { tenantId, userId } = ownerOf(tenant);
  const parts = tables.flatMap((table) => {
    const [whose, whom] = table.class === 'person' ? [table.personOf, '$2::uuid'] : [table.tenantOf, '$1::uuid'];
    return whose === null
      ? []
      : [`select '${table.name}' as name, count(*)::int as rows from "${table.name}" where ${whose} = ${whom}`];
  });
  const jobs = `select 'jobs' as name, count(*)::int as rows from graphile_worker._private_jobs where payload ->> 'tenantId' = $1::text`;
  const { rows } = await query<{ name: string; rows: number }>([...parts, jobs].join(' union all '), [
    tenantId,
    userId,
  ]);
  return Object.fromEntries(rows.map(({ name, rows: count }) => [name, count]));
}

const difference = (before: Record<string, number>, after: Record<string, number>) =>
  Object.fromEntries(
    Object.entries(after).flatMap(([name, count]) =>
      count === before[name] ? [] : [[name, count - (before[name] ?? 0)]],
    ),
  );

const withKey = async (tenant: Tenant, name: string, idempotencyKey: string): Promise<Variables> => {
  const given = (await calls[name]?.(tenant)) ?? {};
  return { input: { ...(given['input'] as object), idempotencyKey } };
};

test('a mutation sent twice at once, and once more later, under one key has one effect and one answer', async ({
  world,
}) => {
  const { mine, theirs, superuser } = world;
  expect(repeatable.length).toBeGreaterThan(30);
  const wrong: string[] = [];
  for (const root of repeatable) {
    const { name } = root;
    const key = randomUUID();
    const [once, often] = [await withKey(theirs, name, key), await withKey(mine, name, key)];
    for (const tenant of [mine, theirs]) await calm(superuser, tenant);

    const before = { once: await countRows(superuser, theirs), often: await countRows(superuser, mine) };
    await send(theirs, root, once);
    const results = await Promise.all([send(mine, root, often), send(mine, root, often)]);
    for (const tenant of [mine, theirs]) await calm(superuser, tenant);
    const effect = {
      once: difference(before.once, await countRows(superuser, theirs)),
      often: difference(before.often, await countRows(superuser, mine)),
    };
    if (JSON.stringify(effect.once) !== JSON.stringify(effect.often))
      wrong.push(`${name} has the effects ${JSON.stringify(effect)}`);

    const settled = await hashRows(superuser, ownerOf(mine));
    results.push(await send(mine, root, often));
    const later = await hashRows(superuser, ownerOf(mine));
    const touched = Object.keys(later).filter((table) => later[table] !== settled[table]);
    if (touched.length > 0) wrong.push(`${name}, repeated, changes ${touched.join(', ')}`);

    if (answeredOnce.has(name)) {
      const successes = results.filter(isSuccess).length;
      if (successes !== 1) wrong.push(`${name} is answered ${successes} times`);
      continue;
    }
    const answers = new Set(results.map((result) => JSON.stringify(outcome(name, result))));
    if (answers.size > 1) wrong.push(`${name} answers ${[...answers].join(' and ')}`);
    for (const field of shownOnce[name] ?? []) {
      const shown = results.filter((result) => result?.[field] !== null && result?.[field] !== undefined);
      if (shown.length !== 1) wrong.push(`${name} shows ${field} ${shown.length} times`);
    }
  }
  expect(wrong).toEqual([]);
});

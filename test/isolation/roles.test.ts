import { randomUUID } from 'node:crypto';
import { isNonNullType } from 'graphql';
import { schema } from '../../schema/index.ts';
import { expect, globalId, rawId, test as base } from '../fixtures.ts';
import { anonymous, idTypeOf } from './answers.ts';
import { calls, type Variables } from './calls.ts';
import { hideFrom, rowsOf, wholeIn } from './hidden.ts';
import { type Asker, askers, ofOnesOwn, openedByToken, rights, withoutFactor } from './roles.ts';
import { idPositions, nodeTypes, simplestArguments, withValueAt } from './schema-walk.ts';
import { type Answer, createTenant, isSuccess, operationOf, roots, type Tenant } from './tenant.ts';
import { createWorld, type World } from './world.ts';

const test = base.extend<{ world: World }>({ world: [async ({}, use) => createWorld(use), { scope: 'file' }] });

const types = nodeTypes(schema);

async function meet({ api, mine, theirs, newColleague, newKey }: World): Promise<Record<Asker, Tenant>> {
  return {
    OWNER: mine,
    ADMIN: await newColleague('ADMIN'),
    SELLER: await newColleague('SELLER'),
    key: await newKey('every'),
    'bare key': await newKey('no'),
    outsider: theirs,
    nobody: createTenant(api.url, { ...theirs.person, accessToken: '' }),
  };
}

/** What an answer comes to, in the words of roles.ts. */
function inAWord(name: string, { data, errors, body }: Answer): string {
  const [error] = errors;
  if (error) return word(String(error.extensions['code']), body);
  const result = data?.[name] as { __typename?: string; code?: string } | null | undefined;
  if (result === null || result === undefined) return 'none';
  if (Array.isArray(result)) return result.every((one) => one === null) ? 'none' : 'yes';
  return isSuccess(result) ? 'yes' : word(String(result.code), body);
}

function word(code: string, body: string): string {
  const words: Record<string, string> = {
    UNAUTHENTICATED: 'who?',
    FORBIDDEN: 'no',
    NOT_FOUND: 'none',
    INVALID_INPUT: 'none',
    BAD_USER_INPUT: 'none',
  };
  return words[code] ?? body;
}

const isScope = (cell: string) => cell.includes('.');

test('every operation has its line', () => {
  expect([...rights.keys()].sort(), 'say in test/isolation/roles.ts who may do it').toEqual([...roots.keys()].sort());
});

test('each of them gets every operation answered as the table says, and an outsider learns nothing', async ({
  world,
}) => {
  const { mine } = world;
  const everybody = await meet(world);
  const keys = new Map<string, Promise<Tenant>>();
  const keyWithout = (scope: string) => {
    const key = keys.get(scope) ?? world.newKey({ but: [scope] });
    keys.set(scope, key);
    return key;
  };
  const found: string[] = [];
  for (const root of roots.values()) {
    const { query } = operationOf(root, 1);
    const isOwn = ofOnesOwn.has(root.name);
    let prepared: Variables | undefined;
    const scope = rights.get(root.name)?.find(isScope);
    if (scope !== undefined) {
      prepared = (await calls[root.name]?.(mine)) ?? {};
      const outcome = inAWord(root.name, await (await keyWithout(scope)).send(query, prepared));
      if (outcome !== 'no') found.push(`${root.name} with a key without ${scope} is ${outcome}`);
    }
    const came: string[] = [];
    // Those who may least come first: they leave the objects as they are.
    for (const asker of askers.toReversed()) {
      const tenant = everybody[asker];
      const isPerson = asker !== 'key' && asker !== 'bare key' && asker !== 'nobody';
      const by = isOwn && isPerson ? tenant : mine;
      const variables: Variables = (by === mine ? prepared : undefined) ?? (await calls[root.name]?.(by)) ?? {};
      const answer = await tenant.send(query, variables);
      const outcome = inAWord(root.name, answer);
      came.unshift(outcome);
      const isSpent = outcome === 'yes' && root.operation === 'mutation';
      prepared = by === mine && !isSpent ? variables : undefined;
      if (asker === 'outsider' && !openedByToken.has(root.name))
        found.push(...told(answer, mine, variables).map((text) => `${root.name} tells ${text}`));
    }
    await world.setRole(mine, 'OWNER'); // it may have been handed on
    const said = (rights.get(root.name) ?? []).map((cell) => (isScope(cell) ? 'yes' : cell));
    if (came.join() !== said.join()) found.push(`${root.name} is ${came.join(' ')}, and not ${said.join(' ')}`);
  }
  expect(found).toEqual([]);
});

/** What of a tenant an answer holds that its asker had not sent itself. */
function told({ body, headers }: Answer, { secrets, ids }: Tenant, sent: Variables): string[] {
  const known = JSON.stringify(sent);
  const all = [...secrets, ...[...ids.values()].flatMap((of) => [...of])];
  return all.filter((text) => !known.includes(text) && `${headers}${body}`.includes(text));
}

test('what is another seller’s is answered like nobody’s, wherever an id can stand, and is in no list', async ({
  world,
}) => {
  const { mine, newColleague } = world;
  const seller = await newColleague('SELLER');
  const hidden = await hideFrom(world);
  const sees = { sellersSeeContacts: 'ASSIGNED_OR_UNASSIGNED', sellersSeeCampaigns: 'ASSIGNED_OR_UNASSIGNED' };
  const found: string[] = [];
  await mine.call('tenantUpdate', { input: sees });
  try {
    const before = await rowsOf(world, hidden);
    for (const root of roots.values()) {
      const given = (await calls[root.name]?.(mine)) ?? {};
      const { query } = operationOf(root);
      for (const { path, owner, isList } of idPositions(root)) {
        const type = idTypeOf(owner, types) ?? '';
        const id = hidden.get(type);
        if (id === undefined) continue;
        const ask = async (of: string) =>
          anonymous(await seller.send(query, withValueAt(root, given, path, isList ? [of] : of)), of);
        const [told, control] = [await ask(id), await ask(globalId(type, randomUUID()))];
        if (told !== control) found.push(`${root.name}, ${path.join('.')}: ${told}\nand of nobody’s ${control}`);
      }
      if (root.operation === 'mutation' || root.field.args.some(({ type }) => isNonNullType(type))) continue;
      const { body } = await seller.send(query, {});
      found.push(
        ...[...hidden.values()].filter((id) => body.includes(id)).map((id) => `${root.name} lists ${rawId(id)}`),
      );
    }
    for (const [type, id] of hidden) {
      const query = `query ($id: ID!) { node(id: $id) { id } }`;
      expect((await mine.send(query, { id })).data, type).toEqual({ node: { id } });
      expect((await seller.send(query, { id })).data, type).toEqual({ node: null });
    }
    expect(await rowsOf(world, hidden)).toEqual(before);
  } finally {
    await mine.call('tenantUpdate', { input: { sellersSeeContacts: 'ALL', sellersSeeCampaigns: 'ALL' } });
  }
  expect(found).toEqual([]);
});

test('whoever owes the second factor that the tenant asks for gets at the own account, and at nothing of the tenant', async ({
  world,
}) => {
  const { mine, newColleague, superuser } = world;
  const owing = await newColleague('OWNER');
  const { tenantId } = owing.person;
  const id = await mine.id('Contact');
  const found: string[] = [];
  await superuser.query('update tenants set require_totp = true where id = $1', [tenantId]);
  try {
    for (const root of roots.values()) {
      const variables = { node: { id }, nodes: { ids: [id] } }[root.name] ?? simplestArguments(root);
      const { errors, body } = await owing.send(operationOf(root, 0).query, variables);
      const isRefused = errors.some(({ extensions }) => extensions['code'] === 'SECOND_FACTOR_SETUP_REQUIRED');
      if (isRefused === withoutFactor.has(root.name)) found.push(`${root.name}: ${body}`);
    }
  } finally {
    await superuser.query('update tenants set require_totp = false where id = $1', [tenantId]);
  }
  expect(found, 'say in test/isolation/roles.ts what it takes no second factor for').toEqual([]);
});

test('whoever is shown numbers and addresses in part reads no whole one, whatever is asked', async ({ world }) => {
  const { mine, newColleague, newKey } = world;
  const inPart = [await newColleague('SELLER'), await newKey({ but: ['contacts.reveal'] })];
  const asked = [...roots.values()].filter(({ name }) => {
    const [, , seller, key = ''] = rights.get(name) ?? [];
    return name !== 'contactReveal' && seller === 'yes' && isScope(key);
  });
  const found: string[] = [];
  let shown = 0;
  await mine.call('tenantUpdate', { input: { maskForSellers: true } });
  try {
    for (const root of asked) {
      const { query } = operationOf(root);
      for (const asker of inPart) {
        const variables = (await calls[root.name]?.(mine)) ?? {};
        const { body, data } = await asker.send(query, variables);
        if (!isSuccess(data?.[root.name])) found.push(`${root.name} tells nothing: ${body}`);
        found.push(...(await wholeIn(world, body)).map((told) => `${root.name} tells ${told}`));
      }
      if (root.operation === 'query')
        shown += (await wholeIn(world, (await mine.send(query, (await calls[root.name]?.(mine)) ?? {})).body)).length;
    }
  } finally {
    await mine.call('tenantUpdate', { input: { maskForSellers: false } });
  }
  expect(found).toEqual([]);
  expect(shown, 'an owner is shown some').toBeGreaterThan(5);
});

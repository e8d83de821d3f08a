import { randomUUID } from 'node:crypto';
import { isNonNullType, isObjectType } from 'graphql';
import { schema } from '../../schema/index.ts';
import { describe, expect, globalId, signUp, test as base } from '../fixtures.ts';
import { anonymous, idTypeOf, leaks, nobodysCursor, ownerOf, valueAt } from './answers.ts';
import { calls, idTypes, type Variables } from './calls.ts';
import { withoutSignIn } from './roles.ts';
import { hashRows } from './rows.ts';
import {
  idPositions,
  idsElsewhere,
  nodeTypes,
  pagedFields,
  type RootField,
  selectionOf,
  withValueAt,
} from './schema-walk.ts';
import { createTenant, isSuccess, operationOf, roots, type Tenant } from './tenant.ts';
import { pageOf } from './pages.ts';
import { createWorld, useEverything, type World } from './world.ts';

const test = base.extend<{ world: World }>({ world: [async ({}, use) => createWorld(use), { scope: 'file' }] });

/** With every wall, and by the code alone: each is to be enough by itself. */
const walls = [
  { walls: 'with every wall', isOn: true },
  { walls: 'with row-level security off', isOn: false },
];

/** Looks for what a tenant can tell of another one, and makes sure that no row of the other has changed. */
async function untouched(world: World, isOn: boolean, look: () => Promise<void>): Promise<void> {
  const { superuser, theirs, setRowSecurity } = world;
  const before = await hashRows(superuser, ownerOf(theirs));
  await setRowSecurity(isOn);
  try {
    await look();
  } finally {
    await setRowSecurity(true);
  }
  expect(await hashRows(superuser, ownerOf(theirs))).toEqual(before);
}

const prepare = async (tenant: Tenant, name: string): Promise<Variables> => (await calls[name]?.(tenant)) ?? {};
const types = nodeTypes(schema);
const positions = [...roots.values()].flatMap((root) => idPositions(root).map((position) => ({ root, ...position })));

/** Ids that somebody else gives out: the tenant to its customers, offices to the tenant, and Meta. */
const notOurs = [
  'ContactCreateInput.externalId',
  'ContactUpdateInput.externalId',
  'ContactUpsertInput.externalId',
  'ContactFieldCondition.externalId',
  'TenantUpdateInput.registrationId',
  'TenantUpdateInput.taxId',
  'WhatsAppConnectInput.wabaId',
  'WhatsAppConnectInput.phoneNumberId',
];

/** Sends the same arguments with another's id and with nobody's, in one place; says how the answers differ, and what they tell. */
async function compare(
  asker: Tenant,
  theirs: Tenant,
  root: RootField,
  type: string,
  withId: (id: string) => Variables,
): Promise<string[]> {
  const { query } = operationOf(root);
  const foreign = await theirs.id(type);
  const nobodys = globalId(type, randomUUID());
  const told = await asker.send(query, withId(foreign));
  const control = await asker.send(query, withId(nobodys));
  const [one, other] = [anonymous(told, foreign), anonymous(control, nobodys)];
  return [
    ...leaks(told, theirs, [foreign]).map((leak) => `tells ${leak}`),
    ...(one === other ? [] : [`another’s id gives\n  ${one}\nnobody’s id gives\n  ${other}`]),
  ];
}

describe('these tests know', () => {
  test('how every query and mutation is called', () => {
    expect(Object.keys(calls).sort(), 'add it to calls in test/isolation/calls.ts').toEqual([...roots.keys()].sort());
  });

  test('of which type every id in an input is, and how an object of every type is made', async ({ world }) => {
    const unknown = positions.filter(({ owner }) => !types.includes(idTypeOf(owner, types) ?? ''));
    expect(
      unknown.map(({ owner }) => owner),
      'add it to idTypes in test/isolation/calls.ts',
    ).toEqual([]);
    const stale = Object.keys(idTypes).filter((owner) => !positions.some((position) => position.owner === owner));
    expect(stale, 'take it from idTypes in test/isolation/calls.ts').toEqual([]);
    for (const tenant of [world.mine, world.theirs]) {
      const missing = types.filter((type) => !tenant.ids.get(type)?.size);
      expect(missing, 'let a call in test/isolation/calls.ts answer with one, or add a maker').toEqual([]);
    }
  });

  test('every place where an id can stand: in arguments of queries and mutations, as an `ID`', () => {
    expect(idsElsewhere(schema, notOurs), 'let everyPosition try it, or say in notOurs why it is no id').toEqual([]);
  });

  test('every field of every object, and have read it', ({ world }) => {
    const fields = Object.values(schema.getTypeMap())
      .filter((type) => isObjectType(type) && !type.name.startsWith('__'))
      .flatMap((type) =>
        isObjectType(type) ? Object.keys(type.getFields()).map((name) => `${type.name}.${name}`) : [],
      );
    const unread = fields.filter((field) => !world.read.has(field));
    expect(unread, 'no call in test/isolation/calls.ts leads there').toEqual([]);
  });
});

/** Who asks for the one tenant. What an ADMIN may and an OWNER may not, there is none: it would be the same twice. */
const askers = ['OWNER', 'SELLER', 'key', 'somebody of both'] as const;

/** Every place of every field where an id can stand, as a person in some role or with a key. */
async function everyPosition(world: World, by: (typeof askers)[number]): Promise<void> {
  const { mine, theirs, both, superuser, setRole, newKey } = world;
  const asker = { OWNER: mine, SELLER: mine, 'somebody of both': both, key: undefined }[by] ?? (await newKey('every'));
  const prepared = new Map<string, Variables>();
  for (const { root } of positions) {
    if (!prepared.has(root.name)) prepared.set(root.name, await prepare(mine, root.name));
  }
  const before = JSON.stringify(await hashRows(superuser, ownerOf(theirs)));
  const found: string[] = [];
  await setRole(mine, by === 'SELLER' ? by : 'OWNER');
  try {
    for (const root of roots.values()) {
      if (asker === both && root.name === 'sessionSwitch') continue; // it is what leads to the other tenant
      const given = prepared.get(root.name) ?? {};
      for (const { path, owner, isList } of idPositions(root)) {
        const type = idTypeOf(owner, types) ?? '';
        const own = valueAt(given, path);
        const alone = (id: string) => withValueAt(root, given, path, isList ? [id] : id);
        const differences = await compare(asker, theirs, root, type, alone);
        if (isList && Array.isArray(own)) {
          const together = (id: string) => withValueAt(root, given, path, [...(own as unknown[]), id]);
          differences.push(...(await compare(asker, theirs, root, type, together)));
        }
        found.push(...differences.map((difference) => `${root.name}, ${path.join('.')}: ${difference}`));
      }
      if (root.operation === 'query') continue; // it reads in a read-only transaction
      const after = JSON.stringify(await hashRows(superuser, ownerOf(theirs)));
      if (after !== before) found.push(`${root.name}: a row of another tenant has changed`);
    }
  } finally {
    await setRole(mine, 'OWNER');
  }
  expect(found).toEqual([]);
}

test.for(askers)('as %s, another tenant’s id is answered like nobody’s, wherever an id can stand', (by, { world }) =>
  untouched(world, true, () => everyPosition(world, by)),
);

test('by the code alone, another tenant’s id is answered like nobody’s, wherever an id can stand', ({ world }) =>
  untouched(world, false, () => everyPosition(world, 'OWNER')));

describe.each(walls)('$walls', ({ isOn }) => {
  test('arguments of which every id is another tenant’s are answered like such of nobody’s', ({ world }) =>
    untouched(world, isOn, async () => {
      const { mine, theirs } = world;
      for (const root of roots.values()) {
        const given = await prepare(mine, root.name);
        const used = idPositions(root).filter(({ path }) => valueAt(given, path) !== undefined);
        if (used.length === 0) continue;
        const withIds = async (idOf: (type: string) => Promise<string>) => {
          let variables = given;
          const sent: string[] = [];
          for (const { path, owner } of used) {
            const id = await idOf(idTypeOf(owner, types) ?? '');
            sent.push(id);
            variables = withValueAt(root, variables, path, id);
          }
          return { variables, sent };
        };
        const nobody = new Map(types.map((type) => [type, globalId(type, randomUUID())]));
        const foreign = await withIds((type) => theirs.id(type));
        const nobodys = await withIds(async (type) => nobody.get(type) ?? '');
        const { query } = operationOf(root);
        const told = await mine.send(query, foreign.variables);
        const control = await mine.send(query, nobodys.variables);
        expect(leaks(told, theirs, foreign.sent), root.name).toEqual([]);
        expect(anonymous(told, ...foreign.sent), root.name).toBe(anonymous(control, ...nobodys.sent));
      }
    }));

  test('an object of another tenant is null by its id, like one that never was, and spoils no other', ({ world }) =>
    untouched(world, isOn, async () => {
      const { mine, theirs, both, newKey } = world;
      const key = await newKey('every');
      for (const type of types) {
        const one = schema.getType(type);
        if (!one) continue;
        const query = `query ($id: ID!) { node(id: $id) { id ... on ${type} ${selectionOf(schema, one, 1, () => {})} } }`;
        const own = await mine.id(type);
        expect((await mine.send(query, { id: own })).data?.['node'], type).toMatchObject({ __typename: type, id: own });
        for (const asker of [mine, key, both]) {
          const foreign = await asker.send(query, { id: await theirs.id(type) });
          const nobodys = await asker.send(query, { id: globalId(type, randomUUID()) });
          expect(foreign.body, type).toBe('{"data":{"node":null}}');
          expect(foreign.body, type).toBe(nobodys.body);
        }
        const ids = [await theirs.id(type), own, globalId(type, randomUUID()), 'bogus'];
        const several = await mine.send('query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', { ids });
        expect(several.data, type).toEqual({ nodes: [null, { id: own }, null, null] });
      }
    }));

  test('another tenant’s cursor leads into the own list only, like one that never was', ({ world }) =>
    untouched(world, isOn, async () => {
      const { mine, theirs, newKey } = world;
      const key = await newKey('every');
      for (const field of pagedFields(schema)) {
        const name = `${field.parent}.${field.field.name}`;
        const own = await pageOf(field, mine);
        const { cursor } = await pageOf(field, theirs);
        for (const way of ['after', 'before'] as const) {
          expect((await own.send(way, own.cursor)).errors, name).toEqual([]);
          for (const asker of [mine, key]) {
            const told = await own.send(way, cursor, asker);
            const control = await own.send(way, nobodysCursor(cursor), asker);
            expect(leaks(told, theirs, []), `${name} ${way}`).toEqual([]);
            expect(anonymous(told), `${name} ${way}`).toBe(anonymous(control));
            if (asker === mine) expect(told.errors, `${name} ${way}`).toEqual([]);
          }
        }
      }
    }));

  test('what another tenant calls its things is free: a tenant can say the very same', ({ world }) =>
    untouched(world, isOn, async () => {
      const { api, theirs } = world;
      const echo = createTenant(api.url, await signUp(api, 'Echo'), theirs);
      await useEverything(echo); // throws where something is refused
      expect([...echo.secrets].filter((said) => theirs.secrets.has(said)).length).toBeGreaterThan(50);
      const ids = new Set([...theirs.ids.values()].flatMap((of) => [...of]));
      expect([...echo.ids.values()].flatMap((of) => [...of].filter((id) => ids.has(id)))).toEqual([]);
    }));

  test('a query without arguments lists the own objects only', ({ world }) =>
    untouched(world, isOn, async () => {
      const { mine, theirs, newKey } = world;
      const key = await newKey('every');
      for (const root of roots.values()) {
        const isPlain = root.field.args.every(({ type }) => !isNonNullType(type));
        if (root.operation === 'mutation' || !isPlain) continue;
        const answer = await mine.send(operationOf(root).query, {});
        expect(answer.errors, root.name).toEqual([]);
        expect(leaks(answer, theirs, []), root.name).toEqual([]);
        expect(leaks(await key.send(operationOf(root, 1).query, {}), theirs, []), root.name).toEqual([]);
      }
    }));
});

test('an own id is accepted wherever an id can stand', async ({ world }) => {
  const { mine } = world;
  const refused: string[] = [];
  for (const { root, path, owner } of positions) {
    const given = await prepare(mine, root.name);
    if (valueAt(given, path) !== undefined) continue; // so it is called when the world is made
    const id = await mine.id(idTypeOf(owner, types) ?? '');
    const { query } = operationOf(root);
    const answer = await mine.send(query, withValueAt(root, given, path, id));
    if (answer.errors.length > 0 || !isSuccess(answer.data?.[root.name]))
      refused.push(`${root.name}, ${path.join('.')}: ${answer.body}`);
  }
  expect(refused).toEqual([]);
});

test('another tenant’s idempotency key means nothing', async ({ world }) => {
  const { mine, theirs } = world;
  const key = randomUUID();
  const { result: first } = await theirs.call('tagCreate', {
    input: { name: theirs.text('tag'), idempotencyKey: key },
  });
  const { result, answer } = await mine.call('tagCreate', { input: { name: mine.text('tag'), idempotencyKey: key } });
  expect(result['id']).not.toBe(first['id']);
  expect(leaks(answer, theirs, [])).toEqual([]);
});

test('nobody who is not signed in reads or changes anything, whatever the ids', async ({ world }) => {
  const { api, theirs } = world;
  const nobody = createTenant(api.url, { ...theirs.person, accessToken: '' });
  const prepared = new Map<RootField, Variables>();
  for (const root of roots.values())
    if (!withoutSignIn.has(root.name)) prepared.set(root, await prepare(theirs, root.name));
  await untouched(world, true, async () => {
    for (const [root, variables] of prepared) {
      const answer = await nobody.send(operationOf(root).query, variables);
      expect(
        answer.errors.map(({ extensions }) => extensions['code']),
        root.name,
      ).toEqual(['UNAUTHENTICATED']);
      expect(answer.data?.[root.name] ?? null, root.name).toBeNull();
      expect(leaks(answer, theirs, []), root.name).toEqual([]);
    }
  });
});

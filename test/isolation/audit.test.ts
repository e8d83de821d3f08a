import { randomUUID } from 'node:crypto';
import { parseLinkToken } from '../../domain/auth/link-token.ts';
import { parseApiKey } from '../../domain/auth/api-key-text.ts';
import { expect, globalId, rawId, test as base } from '../fixtures.ts';
import type { Connection } from '../sql.ts';
import { idTypeOf } from './answers.ts';
import { type Audited, audited } from './audited.ts';
import { calls, type Variables } from './calls.ts';
import { idPositions, nodeTypes, type RootField, withValueAt } from './schema-walk.ts';
import { isSuccess, operationOf, roots, type Tenant } from './tenant.ts';
import { createWorld, type World } from './world.ts';
import { schema } from '../../schema/index.ts';

const test = base.extend<{ world: World }>({ world: [async ({}, use) => createWorld(use), { scope: 'file' }] });

const mutations = [...roots.values()].filter(({ operation }) => operation === 'mutation');
const types = nodeTypes(schema);

type Entry = {
  tenantId: string;
  actorType: string;
  actorId: string | null;
  action: string;
  targetType: string;
  targetId: string | null | undefined;
  address: string | null;
};

const entriesOf = async ({ query }: Connection, requestId: string): Promise<Entry[]> => {
  const { rows } = await query<Entry>(
    `select tenant_id as "tenantId", actor_type as "actorType", actor_id as "actorId", action, target_type as "targetType",
       target_id as "targetId", address from audit_entries where request_id = $1`,
    [requestId],
  );
  return rows;
};

/** Sends a mutation under a request id of its own; gives what it answered with. */
async function send(api: { url: string }, accessToken: string, root: RootField, variables: Variables) {
  const requestId = `audit-${randomUUID()}`;
  const answer = await fetch(`${api.url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-request-id': requestId,
      ...(accessToken === '' ? {} : { authorization: `Bearer ${accessToken}` }),
    },
    body: JSON.stringify({ query: operationOf(root).query, variables }),
  });
  const body = await answer.text();
  const { data } = JSON.parse(body) as { data?: Record<string, Variables | null> };
  return { requestId, body, result: data?.[root.name] ?? null };
}

const prepare = async (tenant: Tenant, name: string): Promise<Variables> => (await calls[name]?.(tenant)) ?? {};

/** The row that a deed was done to, by what was sent and what came back. */
function targetOf({ of, within }: Audited, input: Variables, result: Variables, tenantId: string): string | undefined {
  if (of === null) return tenantId;
  if (of === 'token') return parseLinkToken(String(input[of]))?.scopeId;
  if (of === 'key') return parseApiKey(String(input[of]))?.apiKeyId;
  const held = within === undefined ? result : ((result[within] ?? {}) as Variables);
  return rawId(String(of === undefined ? held['id'] : input[of]));
}

/** The same arguments with ids that nothing has; undefined where there are no ids. */
function withNobodysIds(root: RootField, given: Variables): Variables | undefined {
  const places = idPositions(root).filter(({ owner }) => types.includes(idTypeOf(owner, types) ?? ''));
  const [first] = places;
  if (!first) return undefined;
  const id = globalId(idTypeOf(first.owner, types) ?? '', randomUUID());
  return withValueAt(root, given, first.path, first.isList ? [id] : id);
}

test('every mutation says what it leaves in the audit log, or why nothing', () => {
  expect(Object.keys(audited).sort(), 'say it in test/isolation/audited.ts').toEqual(
    mutations.map(({ name }) => name).sort(),
  );
});

test('a deed leaves one entry: who, what, to whom, from where, in which request; nothing else leaves any', async ({
  world,
}) => {
  const { api, mine, superuser } = world;
  const wrong: string[] = [];
  for (const root of mutations) {
    const said = audited[root.name];
    const given = await prepare(mine, root.name);
    const { requestId, result, body } = await send(api, mine.person.accessToken, root, given);
    if (!isSuccess(result)) wrong.push(`${root.name} did not work: ${body}`);
    const entries = await entriesOf(superuser, requestId);
    if (!said || 'because' in said) {
      if (entries.length > 0) wrong.push(`${root.name} left ${JSON.stringify(entries)}`);
      continue;
    }
    const input = given['input'] as Variables;
    const target = said.self ? mine.person.userId : targetOf(said, input, result ?? {}, mine.person.tenantId);
    const expected: Entry = {
      tenantId: mine.person.tenantId,
      actorType: said.by === 'the system' ? 'SYSTEM' : 'PERSON',
      actorId: { 'the system': null, 'who joins': target ?? null, 'the caller': mine.person.userId }[
        said.by ?? 'the caller'
      ],
      action: said.action,
      targetType: said.target,
      targetId: target,
      address: '127.0.0.1',
    };
    const [entry, another] = entries.map((one) => ({ ...one, address: one.address?.replace('::ffff:', '') ?? null }));
    if (another || JSON.stringify(entry) !== JSON.stringify(expected)) {
      wrong.push(`${root.name} left ${JSON.stringify(entries)} and not ${JSON.stringify(expected)}`);
    }
  }
  expect(wrong).toEqual([]);
});

test('what is refused leaves no entry', async ({ world }) => {
  const { api, mine, superuser } = world;
  const wrong: string[] = [];
  for (const root of mutations) {
    const said = audited[root.name];
    if (!said || 'because' in said) continue;
    const given = await prepare(mine, root.name);
    const isPublic = 'by' in said;
    const tries: [token: string, variables: Variables][] = isPublic ? [] : [['', given]];
    const nobodys = withNobodysIds(root, given);
    if (nobodys) tries.push([mine.person.accessToken, nobodys]);
    for (const [token, variables] of tries) {
      const { requestId, result, body } = await send(api, token, root, variables);
      if (isSuccess(result)) wrong.push(`${root.name} was not refused: ${body}`);
      const entries = await entriesOf(superuser, requestId);
      if (entries.length > 0) wrong.push(`${root.name} left ${JSON.stringify(entries)}`);
    }
  }
  expect(wrong).toEqual([]);
});

test('nothing that a tenant says, and no secret, gets into its audit log', async ({ world }) => {
  const { mine, superuser } = world;
  const { rows } = await superuser.query<{ text: string }>(
    `select concat_ws(' ', action, before::text, after::text) as text from audit_entries where tenant_id = $1 and request_id is not null`,
    [mine.person.tenantId],
  );
  expect(rows.length).toBeGreaterThan(20);
  const names = new Set(
    [...mine.secrets].filter((said) =>
      / (tag|segment|campaign|key|integration) \d+$|_(template|field)_\d+$/i.test(said),
    ),
  );
  const told = [...mine.secrets, mine.person.email, mine.person.password].filter(
    (said) => !names.has(said) && rows.some(({ text }) => text.includes(said)),
  );
  expect(told).toEqual([]);
});

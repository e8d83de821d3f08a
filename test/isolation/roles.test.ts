import { randomUUID } from 'node:crypto';
import { isNonNullType } from 'graphql';
import { schema } from '../../schema/index.ts';
import { expect, globalId, rawId, test as base } from '../fixtures.ts';
import { anonymous, idTypeOf } from './answers.ts';
import { calls, type Variables } from './calls.ts';
import { type Asker, askers, ofOnesOwn, openedByToken, rights } from './roles.ts';
import { idPositions, nodeTypes, withValueAt } from './schema-walk.ts';
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

test('every operation has its line', () => {
  expect([...rights.keys()].sort(), 'say in test/isolation/roles.ts who may do it').toEqual([...roots.keys()].sort());
});

test('each of them gets every operation answered as the table says, and an outsider learns nothing', async ({
  world,
}) => {
  const { mine } = world;
  const everybody = await meet(world);
  const found: string[] = [];
  for (const root of roots.values()) {
    const { query } = operationOf(root, 1);
    const isOwn = ofOnesOwn.has(root.name);
    let prepared: Variables | undefined;
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
    const said = rights.get(root.name) ?? [];
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

/** What is another seller's: a contact with a note and a message, and a campaign. */
async function hideFrom({ mine, newColleague }: World): Promise<Map<string, string>> {
  const other = globalId('User', (await newColleague('SELLER')).person.userId);
  const contact = await mine.make('Contact');
  const call = async (name: string, input: Variables) => (await mine.call(name, { input })).result['id'];
  const note = await call('contactNoteCreate', { contactId: contact, body: mine.text('hidden note') });
  const sent = (await calls['messageSend']?.(mine))?.['input'] as Variables;
  const message = await call('messageSend', { ...sent, contactId: contact });
  const campaign = await mine.make('Campaign');
  await mine.call('contactAssign', { input: { contactIds: [contact], userId: other } });
  await mine.call('campaignAssign', { input: { campaignId: campaign, userId: other } });
  const hidden = { Contact: contact, ContactNote: note, Message: message, Campaign: campaign };
  return new Map(Object.entries(hidden).map(([type, id]) => [type, String(id)]));
}

/** What the tables hold of these objects. (Of messages only the one: campaigns that the test's owner launches write to everybody.) */
async function rowsOf({ superuser }: World, hidden: ReadonlyMap<string, string>): Promise<string[]> {
  const ids = [...hidden.values()].map(rawId);
  const ofContact = ['contact_notes', 'contact_identities', 'contact_tags', 'contact_consents', 'consent_entries'];
  const statements = [
    ...['contacts', 'messages', 'campaigns'].map((table) => `select t::text as row from ${table} t where id = any($1)`),
    ...ofContact.map((table) => `select t::text from ${table} t where contact_id = any($1)`),
    `select t::text from contact_merges t where source_id = any($1) or target_id = any($1)`,
  ];
  const { rows } = await superuser.query<{ row: string }>(`${statements.join(' union all ')} order by 1`, [ids]);
  return rows.map(({ row }) => row);
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

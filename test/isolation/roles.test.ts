import { expect, test as base } from '../fixtures.ts';
import { calls, type Variables } from './calls.ts';
import { type Asker, askers, ofOnesOwn, openedByToken, rights } from './roles.ts';
import { type Answer, createTenant, isSuccess, operationOf, roots, type Tenant } from './tenant.ts';
import { createWorld, type World } from './world.ts';

const test = base.extend<{ world: World }>({ world: [async ({}, use) => createWorld(use), { scope: 'file' }] });

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

import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { resealTotp } from '../domain/auth/reseal-totp.ts';
import { totpCell } from '../domain/auth/totp-code.ts';
import { tokenCell } from '../domain/connections/account-access.ts';
import type { Keyring } from '../domain/connections/keyring.ts';
import { resealAll } from '../domain/connections/reseal.ts';
import { open, seal } from '../domain/connections/seal.ts';
import { type Db, inScope, inTenant } from '../prisma/client.ts';
import { expect, test } from '../test/fixtures.ts';
import { keepSecret, noteOutput } from '../test/leaks/note.ts';
import { makeTenant } from '../test/make.ts';
import { describeRotation } from './rotate-keys.ts';

const run = promisify(execFile);
const key = (kid: string) => {
  const raw = randomBytes(32);
  keepSecret('server key', raw.toString('base64'));
  return { kid, key: raw };
};
const [newest, older, oldest] = [key('2027.1'), key('2027'), key('2026')];
const both: Keyring = [newest, older, oldest];

/** A connection whose token this key has sealed. */
async function connection(db: Db, tenantId: string, keyring: Keyring, token: string): Promise<string> {
  return inTenant(db, tenantId, async (tx) => {
    const data = { tenantId, partner: 'WHATSAPP', externalId: token };
    const { id } = await tx.connection.create({ data, select: { id: true } });
    const sealed = seal(keyring, tokenCell(tenantId, id), token);
    await tx.connection.update({
      where: { tenantId_id: { tenantId, id } },
      data: { token: sealed },
      select: { id: true },
    });
    return id;
  });
}

function tokensOf(db: Db, tenantId: string) {
  return inTenant(db, tenantId, (tx) => tx.connection.findMany({ where: { tenantId }, orderBy: { id: 'asc' } }));
}

test('after a rotation everything opens with the newest key alone', async ({ db }) => {
  const tenants = await Promise.all(Array.from({ length: 3 }, () => makeTenant(db)));
  for (const tenantId of tenants) {
    for (let index = 0; index < 120; index += 1)
      await connection(db, tenantId, [index % 2 ? older : oldest], `token ${index}`);
    await connection(db, tenantId, both, 'new');
  }
  const report = await resealAll(db, both);
  expect(report).toEqual({ resealed: 360, overtaken: 0, unopened: [] });
  expect(describeRotation('2027.1', report).at(-1)).toContain('can be taken out');
  for (const tenantId of tenants) {
    for (const { id, token, externalId } of await tokensOf(db, tenantId))
      expect(open([newest], tokenCell(tenantId, id), token ?? '')).toBe(externalId);
  }
  expect(await resealAll(db, both)).toEqual({ resealed: 0, overtaken: 0, unopened: [] });
});

test('a token that changes while it is sealed anew stays as it was written last', async ({ db }) => {
  const tenantId = await makeTenant(db);
  const ids = await Promise.all(
    Array.from({ length: 40 }, (_, index) => connection(db, tenantId, [older], `old ${index}`)),
  );
  const reconnect = async () => {
    for (const id of ids)
      await inTenant(db, tenantId, (tx) =>
        tx.connection.update({
          where: { tenantId_id: { tenantId, id } },
          data: { token: seal(both, tokenCell(tenantId, id), 'reconnected') },
          select: { id: true },
        }),
      );
  };
  await Promise.all([resealAll(db, both), reconnect(), resealAll(db, both)]);
  for (const { id, token } of await tokensOf(db, tenantId))
    expect(open([newest], tokenCell(tenantId, id), token ?? '')).toBe('reconnected');
});

test('the secrets of authenticator apps are sealed anew as well, and those that do not open are told', async ({
  db,
  signUp,
}) => {
  const people = [await signUp(), await signUp(), await signUp()];
  const [first, second, lost] = people.map(({ userId }) => userId);
  const keyrings: Keyring[] = [[older], [oldest], [key('lost')]];
  for (const [index, { userId }] of people.entries()) {
    const secret = seal(keyrings[index] ?? [], totpCell(userId), `secret ${index}`);
    await inScope(db, { userId }, (tx) => tx.userTotp.create({ data: { userId, secret }, select: { userId: true } }));
  }
  const report = await resealTotp(db, both);
  expect(report).toEqual({ resealed: 2, overtaken: 0, unopened: [{ userId: lost }] });
  for (const [index, userId = ''] of [first, second].entries()) {
    const row = await inScope(db, { userId }, (tx) => tx.userTotp.findUniqueOrThrow({ where: { userId } }));
    expect(open([newest], totpCell(userId), row.secret)).toBe(`secret ${index}`);
  }
  expect(await resealTotp(db, both)).toMatchObject({ resealed: 0 });
  const told = describeRotation('2027.1', { resealed: 0, overtaken: 0, unopened: [] }, report).join('\n');
  expect(told).toContain(lost);
  expect(told).not.toContain('can be taken out');
});

test('what no key opens is reported, and keeps nothing else from being sealed anew', async ({ db }) => {
  const tenantId = await makeTenant(db);
  const lost = await connection(db, tenantId, [key('lost')], 'gone');
  await connection(db, tenantId, [older], 'fine');
  const report = await resealAll(db, both);
  expect(report).toEqual({ resealed: 1, overtaken: 0, unopened: [{ tenantId, connectionId: lost }] });
  expect(describeRotation('2027.1', report).join('\n')).toContain(lost);
  expect(describeRotation('2027.1', report).join('\n')).not.toContain('can be taken out');
});

/** One process of the fleet: what it opens and seals with, until it is started anew with other keys. */
type Machine = { keyring: Keyring };

test('the key is changed while everything is at work: not one credential fails to open', async ({ db, database }) => {
  const [before, after] = [key('before'), key('after.1')];
  const tenants = [await makeTenant(db), await makeTenant(db)];
  const cells: { tenantId: string; id: string }[] = [];
  for (const tenantId of tenants) {
    for (let index = 0; index < 130; index += 1)
      // more than a page
      cells.push({ tenantId, id: await connection(db, tenantId, [before], `token ${index}`) });
  }
  const machines: Machine[] = [{ keyring: [before] }, { keyring: [before] }];
  const over = new AbortController();
  const fleet = { opened: 0 };
  const work = async (machine: Machine, offset: number) => {
    for (let turn = offset; !over.signal.aborted; turn += 1) {
      const { tenantId, id } = cells[turn % cells.length] ?? { tenantId: '', id: '' };
      await inTenant(db, tenantId, async (tx) => {
        const where = { tenantId_id: { tenantId, id } };
        const { token, externalId } = await tx.connection.findUniqueOrThrow({ where });
        expect(open(machine.keyring, tokenCell(tenantId, id), token ?? '')).toBe(externalId);
        fleet.opened += 1;
        // Every few turns somebody connects anew.
        const sealed = seal(machine.keyring, tokenCell(tenantId, id), externalId ?? '');
        if (turn % 5 === 0) await tx.connection.update({ where, data: { token: sealed }, select: { id: true } });
      });
    }
  };
  const working = Promise.all(
    machines.flatMap((machine, index) => [work(machine, index * 60), work(machine, index * 60 + 30)]),
  );
  const failed = working.then(() => undefined);
  failed.catch(() => {});
  /** Lets everybody do some more, and fails as soon as one of them does. */
  const meanwhile = async (turns: number) => {
    const until = fleet.opened + turns;
    while (fleet.opened < until) await Promise.race([failed, new Promise((resolve) => setImmediate(resolve))]);
  };
  const rotate = async (keyring: Keyring) => {
    const env = {
      ...process.env,
      DATABASE_URL: database.urls.app,
      ENCRYPTION_KEYS: keyring.map(({ kid, key: raw }) => `${kid}:${raw.toString('base64')}`).join(','),
    };
    const { stdout } = await run(process.execPath, ['scripts/rotate-keys.ts'], { env }).catch(
      (error: { stdout: string }) => error, // it ends with 1 where it has to run once more, and says so
    );
    noteOutput('rotate-keys', stdout);
    return stdout;
  };

  await meanwhile(50);
  for (const stage of [
    [before, after],
    [after, before],
  ]) {
    for (const machine of machines) {
      machine.keyring = stage; // one machine after the other
      await meanwhile(100);
    }
  }
  expect(await rotate([after, before])).toMatch(/can be taken out|Run this once more/);
  expect(await rotate([after, before])).toContain('can be taken out');
  for (const machine of machines) {
    machine.keyring = [after];
    await meanwhile(300);
  }
  over.abort();
  await working;
  for (const tenantId of tenants) {
    for (const { id, token, externalId } of await tokensOf(db, tenantId))
      expect(open([after], tokenCell(tenantId, id), token ?? '')).toBe(externalId);
  }
});

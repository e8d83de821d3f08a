import { randomBytes } from 'node:crypto';
import { tokenCell } from '../domain/connections/account-access.ts';
import type { Keyring } from '../domain/connections/keyring.ts';
import { resealAll } from '../domain/connections/reseal.ts';
import { open, seal } from '../domain/connections/seal.ts';
import { type Db, inTenant } from '../prisma/client.ts';
import { expect, test } from '../test/fixtures.ts';
import { makeTenant } from '../test/make.ts';
import { describeRotation } from './rotate-keys.ts';

const key = (kid: string) => ({ kid, key: randomBytes(32) });
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

test('what no key opens is reported, and keeps nothing else from being sealed anew', async ({ db }) => {
  const tenantId = await makeTenant(db);
  const lost = await connection(db, tenantId, [key('lost')], 'gone');
  await connection(db, tenantId, [older], 'fine');
  const report = await resealAll(db, both);
  expect(report).toEqual({ resealed: 1, overtaken: 0, unopened: [{ tenantId, connectionId: lost }] });
  expect(describeRotation('2027.1', report).join('\n')).toContain(lost);
  expect(describeRotation('2027.1', report).join('\n')).not.toContain('can be taken out');
});

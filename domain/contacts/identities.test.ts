import { inTenant } from '../../prisma/client.ts';
import { expect, test } from '../../test/fixtures.ts';
import { makeTenant } from '../../test/make.ts';
import { connect } from '../../test/sql.ts';
import { ConflictError } from '../errors.ts';
import { createContact } from './create-contact.ts';

test('two who take the same identities in opposite orders wait for each other', async ({ db, database }) => {
  await using admin = await connect(database.superuserUrl);
  const tenantId = await makeTenant(db);
  const create = (...values: string[]) =>
    inTenant(db, tenantId, (tx) =>
      createContact(
        tx,
        tenantId,
        { identities: values.map((value) => ({ kind: 'SHOPEE_BUYER' as const, value })) },
        new Date(),
      ),
    );
  const waiting = (count: number) =>
    expect
      .poll(
        async () => {
          const { rows } = await admin.query(
            `select count(*)::int as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
          );
          return (rows[0] as { n: number }).n;
        },
        { timeout: 10_000 },
      )
      .toBe(count);

  // Somebody holds the middle one, so that both have what comes first for them when they go on.
  const held = Promise.withResolvers<void>();
  const holds = Promise.withResolvers<void>();
  const holder = inTenant(db, tenantId, async (tx) => {
    await createContact(tx, tenantId, { identities: [{ kind: 'SHOPEE_BUYER', value: 'm' }] }, new Date());
    holds.resolve();
    await held.promise;
    throw new Error('taken back');
  });
  const ended = expect(holder).rejects.toThrow('taken back');
  await holds.promise;
  const one = create('a', 'm', 'z');
  await waiting(1);
  const other = create('z', 'm', 'a');
  await waiting(2);
  held.resolve();
  await ended;
  const outcomes = await Promise.allSettled([one, other]);
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  expect(outcomes[1]).toMatchObject({ reason: expect.any(ConflictError) });
});

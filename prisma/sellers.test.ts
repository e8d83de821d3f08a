import { expect, test } from '../test/fixtures.ts';
import { connect } from '../test/sql.ts';
import { type Assigned, inScope, type Tx } from './client.ts';

test('a seller’s transaction finds and changes what is the seller’s or nobody’s, and makes nothing for others', async ({
  database,
  db,
  shop,
  signUp,
}) => {
  const { tenantId, userId } = shop;
  await using superuser = await connect(database.superuserUrl);
  const { userId: other } = await signUp();
  await superuser.query(`insert into memberships (tenant_id, user_id, role) values ($1, $2, 'SELLER')`, [
    tenantId,
    other,
  ]);
  const as = <T>(sees: Assigned, fn: (tx: Tx) => Promise<T>) => inScope(db, { tenantId, ...sees }, fn);
  const [own, theirs, nobodys] = await as({}, (tx) =>
    tx.contact.createManyAndReturn({
      data: [userId, other, null].map((assignedTo) => ({ tenantId, name: 'x', assignedTo })),
    }),
  );
  const where = (contact?: { id: string }) => ({ tenantId_id: { tenantId, id: contact?.id ?? '' } });
  await as({ contactsOf: userId }, async (tx) => {
    const seen = await tx.contact.findMany({ select: { id: true } });
    expect(new Set(seen.map(({ id }) => id))).toEqual(new Set([own?.id, nobodys?.id]));
    expect(await tx.contact.updateMany({ data: { city: 'Here' } })).toEqual({ count: 2 });
    expect(await tx.contact.deleteMany({ where: { id: theirs?.id ?? '' } })).toEqual({ count: 0 });
    expect(await tx.contact.findUnique({ where: where(theirs) })).toBeNull();
  });
  for (const write of [
    (tx: Tx) => tx.contact.create({ data: { tenantId, assignedTo: other } }),
    (tx: Tx) => tx.contact.update({ where: where(own), data: { assignedTo: other } }),
  ]) {
    await expect(as({ contactsOf: userId }, write)).rejects.toThrow('row-level security');
  }
  // Of the one setting nothing follows for the other one, and of neither nothing at all.
  expect(await as({ campaignsOf: userId }, (tx) => tx.contact.count())).toBe(3);
  expect(await as({}, (tx) => tx.contact.count())).toBe(3);

  await superuser.query('delete from memberships where user_id = $1 and tenant_id = $2', [other, tenantId]); // what was theirs is everybody's then
  expect(await as({ contactsOf: userId }, (tx) => tx.contact.count())).toBe(3);
});

import { bySystem } from '../audit/record-audit.ts';
import { inTenant } from '../../prisma/client.ts';
import { expect, vi } from '../../test/fixtures.ts';
import { connect, type Connection } from '../../test/sql.ts';
import { approveTemplate, connectNumber, runCampaign, test } from '../../test/sending.ts';
import { cancelCampaign, pauseCampaign } from '../campaigns/transitions.ts';
import { recordOutcomes } from './outcomes.ts';
import { forgetPeople } from './forget-people.ts';
import { take, type Take } from './take.ts';

const options = { isSingle: false, wanted: 5, leaseMs: 20_000, rateMax: 1_000 };

test.for([
  { name: 'cancelled', end: cancelCampaign },
  { name: 'paused', end: pauseCampaign },
])(
  'when a campaign is $name, all that still leaves is written down already',
  async ({ end }, { db, database, shop, simulators }) => {
    const { tenantId } = shop;
    const number = await connectNumber(db, simulators, tenantId);
    const campaign = await runCampaign(db, number, await approveTemplate(db, simulators, number), { people: 20 });
    await using watcher = await connect(database.superuserUrl);
    const takeFive = () => inTenant(db, tenantId, (tx) => take(tx, tenantId, number.id, options));

    expect(await takeFive()).toMatchObject({ kind: 'taken' });
    let ending: Promise<unknown> = Promise.resolve();
    await inTenant(db, tenantId, async (tx) => {
      expect(await take(tx, tenantId, number.id, options)).toMatchObject({ kind: 'taken' });
      ending = inTenant(db, tenantId, (other) => end(other, bySystem(tenantId), campaign.id));
      await somebodyWaits(watcher);
    });
    await ending;
    expect(await takeFive()).toEqual({ kind: 'idle' });
    const left = await inTenant(db, tenantId, (tx) => tx.message.count({ where: { attempt: { gt: 0 } } }));
    expect(left).toBe(10);
  },
);

test('a campaign that is cancelled while its messages are chosen sends none of them', async ({
  db,
  database,
  shop,
  simulators,
}) => {
  const { tenantId } = shop;
  const number = await connectNumber(db, simulators, tenantId);
  const campaign = await runCampaign(db, number, await approveTemplate(db, simulators, number), { people: 20 });
  await using watcher = await connect(database.superuserUrl);

  let taking: Promise<Take> = Promise.resolve({ kind: 'idle' });
  await inTenant(db, tenantId, async (tx) => {
    await cancelCampaign(tx, bySystem(tenantId), campaign.id);
    taking = inTenant(db, tenantId, (other) => take(other, tenantId, number.id, options)); // it sees a campaign that runs
    await somebodyWaits(watcher);
  });
  expect(await taking).toMatchObject({ kind: 'wait' });
  const rows = await inTenant(db, tenantId, (tx) => tx.message.groupBy({ by: ['status', 'attempt'], _count: true }));
  expect(rows).toEqual([{ status: 'QUEUED', attempt: 0, _count: 20 }]);
});

test('the answer to a message whose person was deleted meanwhile counts, and gives WhatsApp’s id of it back to nobody', async ({
  db,
  shop,
  simulators,
}) => {
  const { tenantId } = shop;
  const number = await connectNumber(db, simulators, tenantId);
  await runCampaign(db, number, await approveTemplate(db, simulators, number), { people: 2 });
  const taken = await inTenant(db, tenantId, (tx) => take(tx, tenantId, number.id, options));
  if (taken.kind !== 'taken') throw new Error(`Nothing was taken: ${taken.kind}`);
  const [forgotten] = await inTenant(db, tenantId, async (tx) => {
    const rows = await tx.message.findMany({ where: { tenantId }, orderBy: { id: 'asc' } });
    await forgetPeople(tx, tenantId, [rows[0]?.contactId ?? '']);
    return rows;
  });

  const outcomes = taken.messages.map((message) => ({
    message,
    sent: { outcome: 'accepted' as const, wamid: `wamid.${message.id}`, waId: null, userId: null },
  }));
  await inTenant(db, tenantId, (tx) => recordOutcomes(tx, tenantId, number.id, taken.gate, outcomes, 60_000));
  const rows = await inTenant(db, tenantId, (tx) => tx.message.findMany({ where: { tenantId } }));
  expect(new Map(rows.map(({ id, status, wamid }) => [id, [status, wamid]]))).toEqual(
    new Map(taken.messages.map(({ id }) => [id, ['ACCEPTED', id === forgotten?.id ? null : `wamid.${id}`]] as const)),
  );
});

const somebodyWaits = ({ sql }: Connection) =>
  vi.waitFor(async () => {
    const rows = await sql`
      select count(*)::int as waiting from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
    expect(rows).toEqual([{ waiting: 1 }]);
  });

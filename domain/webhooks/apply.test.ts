import { bySystem } from '../audit/record-audit.ts';
import { type Db, inTenant, type Prisma } from '../../prisma/client.ts';
import { describe, expect, type TestDatabase } from '../../test/fixtures.ts';
import { losingDatabase } from '../../test/losing-database.ts';
import { makeContact, makeTenant } from '../../test/make.ts';
import { connect } from '../../test/sql.ts';
import {
  applyAll,
  makeNumber,
  makeSentMessage,
  newWamid,
  seconds,
  test,
  type TestNumber,
} from '../../test/webhooks.ts';
import { setConsent } from '../contacts/set-consent.ts';
import { applyRound } from './apply.ts';
import { storeEvents } from './store-events.ts';

type Json = Record<string, unknown>;
const start = async (db: Db) => makeNumber(db, await makeTenant(db));

/** A status as it is stored. */
const statusOf = (messageId: string, parts: Json = {}) => ({
  status: {
    id: newWamid(),
    status: 'delivered',
    timestamp: seconds(Date.now()),
    biz_opaque_callback_data: `${messageId}.1`,
    ...parts,
  },
});

const store = (
  db: Db,
  { tenantId }: TestNumber,
  events: Record<string, unknown>,
  kind: 'STATUS' | 'MESSAGE' = 'STATUS',
) =>
  inTenant(db, tenantId, (tx) =>
    storeEvents(
      tx,
      tenantId,
      'META',
      Object.entries(events).map(([key, payload]) => ({ key, kind, payload: JSON.stringify(payload) })),
    ),
  );

const eventOf = (db: Db, { tenantId }: TestNumber, key: string) =>
  inTenant(db, tenantId, (tx) => tx.webhookEvent.findUniqueOrThrow({ where: { tenantId_key: { tenantId, key } } }));

const statusesOf = (db: Db, { tenantId }: TestNumber, ids: readonly string[]) =>
  inTenant(db, tenantId, async (tx) => {
    const rows = await tx.message.findMany({ where: { tenantId, id: { in: [...ids] } } });
    return ids.map((id) => rows.find((row) => row.id === id)?.status);
  });

/** What waits is due now, as if its time had come. */
async function letTimePass(database: TestDatabase, age = '0 seconds'): Promise<void> {
  await using owner = await connect(database.superuserUrl);
  await owner.query(
    `update webhook_events set due_at = now(), received_at = received_at - $1::interval where due_at is not null`,
    [age],
  );
}

describe('one bad event', () => {
  test('holds none of its siblings, is tried again, and is set aside with its reason after five times', async ({
    db,
    database,
  }) => {
    const number = await start(db);
    const taken = newWamid();
    await makeSentMessage(db, number, { wamid: taken });
    const ids = await Promise.all(Array.from({ length: 9 }, () => makeSentMessage(db, number)));
    const [bad = '', ...good] = ids;
    await store(db, number, {
      bad: statusOf(bad, { id: taken }), // Meta's id of another message: the database refuses it
      unreadable: { status: { id: 'x', status: 'sent', timestamp: 'yesterday' } },
      noJson: 7,
      ...Object.fromEntries(good.map((id) => [id, statusOf(id)])),
    });
    const problems: unknown[] = [];
    expect(await applyAll(db, number.tenantId, (error) => problems.push(error))).toMatchObject({
      applied: 8,
      failed: 3,
      setAside: 0,
    });
    expect(problems).toHaveLength(1);
    expect(await statusesOf(db, number, ids)).toEqual(['DISPATCHING', ...good.map(() => 'DELIVERED')]);
    const bads = () => Promise.all(['bad', 'unreadable', 'noJson'].map((key) => eventOf(db, number, key)));
    for (const event of await bads()) expect(event).toMatchObject({ attempts: 1, dueAt: expect.any(Date) });
    for (let attempt = 2; attempt <= 5; attempt += 1) {
      await letTimePass(database);
      expect(await applyAll(db, number.tenantId)).toMatchObject({ failed: 3, setAside: attempt === 5 ? 3 : 0 });
    }
    const ended = await bads();
    expect(ended.map(({ dueAt, attempts }) => [dueAt, attempts])).toEqual([
      [null, 5],
      [null, 5],
      [null, 5],
    ]);
    expect(ended.map(({ problem }) => problem)).toEqual([expect.stringMatching(/ 23505$/), 'UNREADABLE', 'UNREADABLE']);
    await letTimePass(database);
    expect(await applyAll(db, number.tenantId)).toMatchObject({ taken: 0 });
  });

  test('among messages is tried again by itself: a number that is not connected yet is, later', async ({
    db,
    database,
  }) => {
    const number = await start(db);
    const message = (phoneNumberId: string) => ({
      phoneNumberId,
      message: {
        id: newWamid(),
        from: '5511988887777',
        timestamp: seconds(Date.now()),
        type: 'text',
        text: { body: 'oi' },
      },
    });
    await store(
      db,
      number,
      { early: message('4444'), bad: { phoneNumberId: '1', message: {} }, good: message(number.phoneNumberId) },
      'MESSAGE',
    );
    expect(await applyAll(db, number.tenantId)).toMatchObject({ taken: 3, failed: 2 });
    expect(await eventOf(db, number, 'early')).toMatchObject({
      attempts: 1,
      problem: 'UnknownNumberError',
      dueAt: expect.any(Date),
    });
    await inTenant(db, number.tenantId, (tx) =>
      tx.whatsAppNumber.updateMany({ where: { tenantId: number.tenantId }, data: { phoneNumberId: '4444' } }),
    );
    await letTimePass(database);
    await applyAll(db, number.tenantId);
    expect(await eventOf(db, number, 'early')).toMatchObject({ dueAt: null, problem: null });
    const count = await inTenant(db, number.tenantId, (tx) =>
      tx.message.count({ where: { tenantId: number.tenantId } }),
    );
    expect(count).toBe(2);
  });
});

test('a status whose message is not there yet waits for it, for an hour', async ({ db, database }) => {
  const number = await start(db);
  const wamid = newWamid();
  const status = { status: { id: wamid, status: 'read', timestamp: seconds(Date.now()) } };
  await store(db, number, { early: status, lost: { status: { ...status.status, id: newWamid() } } });
  expect(await applyAll(db, number.tenantId)).toMatchObject({ taken: 2, applied: 0, failed: 0 });
  expect(await eventOf(db, number, 'early')).toMatchObject({
    problem: 'NOT_FOUND',
    dueAt: expect.any(Date),
    attempts: 0,
  });
  const id = await makeSentMessage(db, number, { wamid });
  await letTimePass(database);
  expect(await applyAll(db, number.tenantId)).toMatchObject({ applied: 1 });
  expect(await statusesOf(db, number, [id])).toEqual(['READ']);
  await letTimePass(database, '2 hours');
  await applyAll(db, number.tenantId);
  expect(await eventOf(db, number, 'lost')).toMatchObject({ problem: 'NOT_FOUND', dueAt: null });
});

test('two workers at one backlog apply everything once, statuses of the same messages included', async ({ db }) => {
  const number = await start(db);
  const ids = await Promise.all(Array.from({ length: 60 }, () => makeSentMessage(db, number)));
  const kinds = ['sent', 'delivered', 'read'];
  const events = kinds.flatMap((status) => ids.map((id) => [`${status}${id}`, statusOf(id, { status })] as const));
  await store(db, number, Object.fromEntries(events));
  const rounds = async () => {
    let applied = 0;
    for (let taken = 1; taken > 0;) {
      const round = await applyRound(db, number.tenantId, { atMost: 7 });
      [taken, applied] = [round.taken, applied + round.applied];
    }
    return applied;
  };
  const [one, other] = await Promise.all([rounds(), rounds()]);
  await applyAll(db, number.tenantId);
  expect(one + other).toBe(180);
  expect(new Set(await statusesOf(db, number, ids))).toEqual(new Set(['READ']));
});

test('a worker that is killed at any statement leaves nothing half applied', async ({ db }) => {
  let hasRunThrough = false;
  for (let statement = 1; !hasRunThrough; statement += 1) {
    const number = await start(db);
    const id = await makeSentMessage(db, number);
    await store(db, number, { status: statusOf(id) });
    const message = {
      id: newWamid(),
      from: '5511988887777',
      timestamp: seconds(Date.now()),
      type: 'text',
      text: { body: 'sair' },
    };
    await store(db, number, { message: { phoneNumberId: number.phoneNumberId, message } }, 'MESSAGE');
    const losing = losingDatabase(db, { statement });
    await applyRound(losing, number.tenantId).catch(() => {}); // what a kill leaves is what the next one finds
    hasRunThrough = !losing.isLost;
    await applyAll(db, number.tenantId);
    const { tenantId } = number;
    const found = await inTenant(db, tenantId, async (tx) => [
      await tx.message.count({ where: { tenantId, direction: 'INBOUND' } }),
      await tx.contact.count({ where: { tenantId } }),
      await tx.consentEntry.count({ where: { tenantId } }),
      await tx.webhookEvent.count({ where: { tenantId, dueAt: null, problem: null } }),
    ]);
    expect(found, `statement ${statement}`).toEqual([1, 2, 1, 2]); // of the two people, one was written to before
    expect(await statusesOf(db, number, [id])).toEqual(['DELIVERED']);
  }
});

describe('what a failure means', () => {
  const fail = async (db: Db, number: TestNumber, code: number) => {
    const contactId = await makeContact(db, number.tenantId, { name: 'Ana' });
    const consent = { purpose: 'MARKETING', channel: 'WHATSAPP', granted: true, source: 'API' } as const;
    await inTenant(db, number.tenantId, (tx) =>
      setConsent(tx, bySystem(number.tenantId), contactId, consent, new Date()),
    );
    const id = await makeSentMessage(db, number, { contactId });
    await store(db, number, { [id]: statusOf(id, { status: 'failed', errors: [{ code, title: 'x' }] }) });
    expect(await applyAll(db, number.tenantId)).toMatchObject({ applied: 1, failed: 0 });
    return inTenant(db, number.tenantId, async (tx) => ({
      message: await tx.message.findFirstOrThrow({ where: { tenantId: number.tenantId, id } }),
      consent: await tx.contactConsent.findFirstOrThrow({ where: { tenantId: number.tenantId, contactId } }),
      account: await tx.whatsAppAccount.findFirstOrThrow({ where: { tenantId: number.tenantId } }),
    }));
  };

  test('131050 withdraws the consent as the person’s own act; 131026 says nothing of it', async ({ db }) => {
    const number = await start(db);
    expect(await fail(db, number, 131_050)).toMatchObject({
      message: { status: 'FAILED', failureCode: 131_050 },
      consent: { granted: false, source: 'PERSON' },
    });
    expect(await fail(db, number, 131_026)).toMatchObject({
      message: { status: 'FAILED', failureCode: 131_026 },
      consent: { granted: true, source: 'API' },
      account: { blockedReason: null },
    });
  });

  test('an account without a payment stops, though Meta says so only afterwards', async ({ db }) => {
    const { account } = await fail(db, await start(db), 131_042);
    expect(account.blockedReason).toBe('META_131042');
  });
});

describe('a campaign', () => {
  const makeCampaign = async (
    db: Db,
    { tenantId, numberId }: TestNumber,
    rows: number,
    row: Partial<Prisma.MessageUncheckedCreateInput>,
  ) =>
    inTenant(db, tenantId, async (tx) => {
      const account = await tx.whatsAppAccount.findFirstOrThrow({ where: { tenantId } });
      const template = await tx.template.create({
        data: { tenantId, accountId: account.id, name: 'x', language: 'en', category: 'UTILITY', status: 'APPROVED' },
      });
      const version = await tx.templateVersion.create({
        data: { tenantId, templateId: template.id, components: [], parameters: [], contentHash: Buffer.alloc(32) },
      });
      const minutesAgo = new Date(Date.now() - 600_000);
      const campaign = await tx.campaign.create({
        data: {
          tenantId,
          name: 'x',
          numberId,
          templateVersionId: version.id,
          status: 'RUNNING',
          audience: {},
          launchedAt: minutesAgo,
          startedAt: minutesAgo,
        },
      });
      const messages = await tx.message.createManyAndReturn({
        data: Array.from({ length: rows }, () => ({
          tenantId,
          numberId,
          campaignId: campaign.id,
          direction: 'OUTBOUND',
          type: 'TEMPLATE',
          attempt: 1,
          status: 'ACCEPTED',
          ...row,
        })),
        select: { id: true },
      });
      return { campaignId: campaign.id, ids: messages.map(({ id }) => id) };
    });
  const campaignOf = (db: Db, { tenantId }: TestNumber, id: string) =>
    inTenant(db, tenantId, (tx) => tx.campaign.findFirstOrThrow({ where: { tenantId, id } }));

  test('is finished by the status that settles its last message in doubt', async ({ db }) => {
    const number = await start(db);
    const open = { status: 'UNKNOWN', openUntil: new Date(Date.now() + 60_000) };
    const { campaignId, ids } = await makeCampaign(db, number, 2, open);
    const [first = '', second = ''] = ids;
    await store(db, number, { first: statusOf(first) });
    await applyAll(db, number.tenantId);
    expect((await campaignOf(db, number, campaignId)).status).toBe('RUNNING');
    await store(db, number, { second: statusOf(second, { status: 'sent' }) });
    await applyAll(db, number.tenantId);
    expect((await campaignOf(db, number, campaignId)).status).toBe('FINISHED');
  });

  test('pauses when too many of its messages fail', async ({ db }) => {
    const number = await start(db);
    const { campaignId, ids } = await makeCampaign(db, number, 210, {
      acceptedAt: new Date(),
      dispatchedAt: new Date(Date.now() - 120_000),
    });
    const events = ids.map((id, index) => [
      id,
      index % 10 === 0 ? statusOf(id, { status: 'failed', errors: [{ code: 131_053 }] }) : statusOf(id),
    ]);
    await inTenant(db, number.tenantId, (tx) =>
      tx.message.updateMany({
        where: { tenantId: number.tenantId, id: ids[209] ?? '' },
        data: { status: 'UNKNOWN', acceptedAt: null, openUntil: new Date(Date.now() + 600_000) },
      }),
    ); // something is open yet
    events.pop();
    await store(db, number, Object.fromEntries(events) as Json);
    await applyAll(db, number.tenantId);
    expect(await campaignOf(db, number, campaignId)).toMatchObject({
      status: 'PAUSED',
      blockedReason: 'TOO_MANY_FAILURES',
    });
  });
});

import { bySystem } from '../audit/record-audit.ts';
import {
  bodyParameter,
  campaignOf,
  makeCampaign,
  makePeople,
  makePerson,
  makeSegment,
  makeSender,
  messagesOf,
  settings,
} from '../../test/campaigns.ts';
import { expect, test } from '../../test/fixtures.ts';
import { makeTag, makeTenant } from '../../test/make.ts';
import { connect } from '../../test/sql.ts';
import { type Db, inTenant, type Tx } from '../../prisma/client.ts';
import { deleteContact } from '../contacts/delete-contact.ts';
import { mergeContacts } from '../contacts/merge-contacts.ts';
import { beginLaunch } from './launch-state.ts';
import { runLaunch } from './launch.ts';
import { preflight } from './preflight.ts';
import { cancelCampaign } from './transitions.ts';

const never = new AbortController().signal;
const launch = (db: Db, tenantId: string, campaignId: string, own = {}) =>
  runLaunch(db, { tenantId, campaignId }, { ...settings, ...own }, never);

/** The reasons by the contact's name; what is queued has none. */
async function fates(db: Db, tenantId: string, campaignId: string): Promise<Record<string, string>> {
  const messages = await inTenant(db, tenantId, (tx) =>
    tx.message.findMany({ where: { tenantId, campaignId }, include: { contact: { select: { name: true } } } }),
  );
  return Object.fromEntries(messages.map(({ contact, status, reason }) => [contact?.name ?? '', reason ?? status]));
}

test('everybody of the audience has one message: queued, or skipped for a reason; the preview says the same', async ({
  db,
}) => {
  const tenantId = await makeTenant(db);
  const sender = await makeSender(db, tenantId, { parameters: [bodyParameter(0)] });
  await makePerson(db, tenantId, { name: 'Fine', city: 'Recife' });
  await makePerson(db, tenantId, { name: 'Blocked', city: 'Recife', blockedAt: new Date() });
  await makePerson(db, tenantId, { name: 'Nameless', city: 'Recife', phone: '' });
  await makePerson(db, tenantId, { name: 'Silent', city: 'Recife', marketing: null });
  await makePerson(db, tenantId, { name: 'Gone', city: 'Recife', marketing: false });
  await makePerson(db, tenantId, { name: 'Nowhere' });
  await makePerson(db, tenantId, { name: 'Id only', city: 'Recife', phone: '', bsuid: 'BR.134' });
  const campaignId = await makeCampaign(db, tenantId, sender, {
    status: 'LAUNCHING',
    audience: { segmentIds: [await makeSegment(db, tenantId)] },
    variables: [{ key: 'body.1', field: 'CITY' }],
  });
  const preview = await inTenant(db, tenantId, (tx) => preflight(tx, tenantId, campaignId, new Date()));
  expect(await launch(db, tenantId, campaignId)).toEqual({ outcome: 'launched', messages: 7 });
  expect(await fates(db, tenantId, campaignId)).toEqual({
    Fine: 'QUEUED',
    Blocked: 'BLOCKED',
    Nameless: 'NO_IDENTITY',
    Silent: 'NO_CONSENT',
    Gone: 'OPTED_OUT',
    Nowhere: 'MISSING_VARIABLE',
    'Id only': 'QUEUED',
  });
  const messages = await messagesOf(db, tenantId, campaignId);
  expect(messages.map(({ address }) => address)).toContain('BR.134');
  for (const { status, dueAt, parameters, category } of messages) {
    expect(category).toBe('MARKETING');
    expect(dueAt !== null).toBe(status === 'QUEUED');
    expect(parameters).toEqual(status === 'QUEUED' ? ['Recife'] : parameters);
  }
  expect(preview).toMatchObject({ audience: 7, sendable: 2 });
  const skipped = ['BLOCKED', 'MISSING_VARIABLE', 'NO_CONSENT', 'NO_IDENTITY', 'OPTED_OUT'];
  expect(preview?.excluded.map(({ reason, count }) => [reason, count]).sort()).toEqual(
    skipped.map((reason) => [reason, 1]),
  );
  expect(await campaignOf(db, tenantId, campaignId)).toMatchObject({ status: 'RUNNING', leaseToken: null });
});

test('a utility template needs no grant, only that service was not refused', async ({ db }) => {
  const tenantId = await makeTenant(db);
  const sender = await makeSender(db, tenantId, { category: 'UTILITY' });
  await makePerson(db, tenantId, { name: 'Silent', marketing: null });
  await makePerson(db, tenantId, { name: 'No marketing', marketing: false });
  await makePerson(db, tenantId, { name: 'No service', service: false });
  const audience = { segmentIds: [await makeSegment(db, tenantId)] };
  const campaignId = await makeCampaign(db, tenantId, sender, { status: 'LAUNCHING', audience });
  await launch(db, tenantId, campaignId);
  expect(await fates(db, tenantId, campaignId)).toEqual({
    Silent: 'QUEUED',
    'No marketing': 'QUEUED',
    'No service': 'OPTED_OUT',
  });
});

test('an authentication template goes to phone numbers only', async ({ db }) => {
  const tenantId = await makeTenant(db);
  const sender = await makeSender(db, tenantId, { category: 'AUTHENTICATION' });
  await makePerson(db, tenantId, { name: 'Phone', bsuid: 'BR.1' });
  await makePerson(db, tenantId, { name: 'Id only', phone: '', bsuid: 'BR.2' });
  const audience = { segmentIds: [await makeSegment(db, tenantId)] };
  const campaignId = await makeCampaign(db, tenantId, sender, { status: 'LAUNCHING', audience });
  await launch(db, tenantId, campaignId);
  expect(await fates(db, tenantId, campaignId)).toEqual({ Phone: 'QUEUED', 'Id only': 'NO_IDENTITY' });
});

test('who is in two segments and named besides is in it once; who is excluded is not in it', async ({ db }) => {
  const tenantId = await makeTenant(db);
  const other = await makeTenant(db);
  const sender = await makeSender(db, tenantId);
  const ids: Record<string, string> = {};
  for (const name of ['Ana', 'Bia', 'Carla', 'Dora', 'Eva', 'Fabi', 'Merged'])
    ids[name] = await makePerson(db, tenantId, { name });
  await makePerson(db, other, { name: 'Ana' });
  const of = (name: string) => ids[name] ?? '';
  const tag = await makeTag(db, tenantId, 'stop');
  await inTenant(db, tenantId, (tx) =>
    tx.contactTag.create({ data: { tenantId, contactId: of('Carla'), tagId: tag } }),
  );
  await inTenant(db, tenantId, (tx) =>
    mergeContacts(tx, bySystem(tenantId), { sourceId: of('Merged'), targetId: of('Fabi') }),
  );
  const named = (names: string[]) =>
    makeSegment(db, tenantId, { field: { name: { in: names.map((name) => name.toLowerCase()) } } });
  const campaignId = await makeCampaign(db, tenantId, sender, {
    status: 'LAUNCHING',
    audience: {
      segmentIds: [await named(['Ana', 'Bia', 'Carla']), await named(['Bia', 'Dora'])],
      contactIds: [of('Bia'), of('Eva'), of('Merged')],
      excludeSegmentIds: [await makeSegment(db, tenantId, { tag: { has: tag } })],
      excludeContactIds: [of('Dora')],
    },
  });
  await launch(db, tenantId, campaignId);
  expect(Object.keys(await fates(db, tenantId, campaignId)).sort()).toEqual(['Ana', 'Bia', 'Eva', 'Fabi']);
});

test('values are frozen in the template’s order, without line breaks, tabs and long runs of blanks', async ({ db }) => {
  const tenantId = await makeTenant(db);
  const sender = await makeSender(db, tenantId, { parameters: [0, 1, 2, 3].map(bodyParameter) });
  const contactId = await makePerson(db, tenantId, {
    name: 'Ana Maria',
    customFields: { note: ' one\n two\t\tthree      four    five ', points: 12 },
  });
  const campaignId = await makeCampaign(db, tenantId, sender, {
    status: 'LAUNCHING',
    audience: { contactIds: [contactId] },
    variables: [
      { key: 'body.4', customField: 'points' },
      { key: 'body.3', field: 'CITY', fallback: 'your city' },
      { key: 'body.2', customField: 'note' },
      { key: 'body.1', field: 'FIRST_NAME' },
    ],
  });
  await inTenant(db, tenantId, (tx) =>
    tx.customField.createMany({ data: ['note', 'points'].map((key) => ({ tenantId, key, label: key, type: 'TEXT' })) }),
  );
  await launch(db, tenantId, campaignId);
  const [message] = await messagesOf(db, tenantId, campaignId);
  expect(message?.parameters).toEqual(['Ana', 'one two three four    five', 'your city', '12']);
});

test('of many launches at once one freezes the audience, and nobody is in it twice', async ({ db }) => {
  const tenantId = await makeTenant(db);
  const sender = await makeSender(db, tenantId);
  await makePeople(db, tenantId, 500);
  const audience = { segmentIds: [await makeSegment(db, tenantId)] };
  const campaignId = await makeCampaign(db, tenantId, sender, { status: 'LAUNCHING', audience });
  const reports = await Promise.all(Array.from({ length: 4 }, () => launch(db, tenantId, campaignId)));
  expect(reports.map(({ outcome }) => outcome).sort()).toEqual([
    'launched',
    'nothing to do',
    'nothing to do',
    'nothing to do',
  ]);
  expect(await messagesOf(db, tenantId, campaignId)).toHaveLength(500);
  expect(await launch(db, tenantId, campaignId)).toMatchObject({ outcome: 'nothing to do' });
});

test('a launch whose worker was killed is taken up when its lease has ended, and given up after some attempts', async ({
  db,
}) => {
  const tenantId = await makeTenant(db);
  const sender = await makeSender(db, tenantId);
  await makePeople(db, tenantId, 10);
  const audience = { segmentIds: [await makeSegment(db, tenantId)] };
  const [once, often] = [
    await makeCampaign(db, tenantId, sender, { status: 'LAUNCHING', audience }),
    await makeCampaign(db, tenantId, sender, { status: 'LAUNCHING', audience }),
  ];
  const dies = async (campaignId: string) => {
    expect(await inTenant(db, tenantId, (tx) => beginLaunch(tx, tenantId, campaignId, settings))).toBeDefined();
    expect(await launch(db, tenantId, campaignId)).toMatchObject({ outcome: 'nothing to do' });
    await endLease(db, tenantId, campaignId);
  };
  await dies(once);
  expect(await launch(db, tenantId, once)).toEqual({ outcome: 'launched', messages: 10 });
  for (let attempt = 0; attempt < 3; attempt += 1) await dies(often);
  expect(await launch(db, tenantId, often)).toMatchObject({ outcome: 'failed' });
  expect(await campaignOf(db, tenantId, often)).toMatchObject({ status: 'FAILED', blockedReason: 'LAUNCH_FAILED' });
  expect((await campaignOf(db, tenantId, often)).finishedAt).not.toBeNull();
});

const endLease = (db: Db, tenantId: string, id: string) =>
  inTenant(db, tenantId, (tx) =>
    tx.campaign.update({ where: { tenantId_id: { tenantId, id } }, data: { leaseUntil: new Date(0) } }),
  );

/** Runs a launch that stands still in the middle of its transaction, while something else happens. */
async function during(
  database: { urls: { app: string }; superuserUrl: string },
  db: Db,
  tenantId: string,
  campaignId: string,
  act: () => Promise<void>,
) {
  await using superuser = await connect(database.superuserUrl);
  await superuser.query('begin');
  await superuser.query(`lock table contact_merges in access exclusive mode`); // the launch reads it after it has written its messages
  const launched = launch(db, tenantId, campaignId, { campaignLaunchLeaseMs: 600 });
  launched.catch(() => {});
  await until(async () => (await waiting(superuser)) > 0);
  await act();
  await superuser.query('commit');
  return launched;
}

const waiting = async (superuser: Awaited<ReturnType<typeof connect>>, table = 'contact_merges') => {
  const [row] = await superuser.sql<{ count: number }>`
    select count(*)::int as count from pg_locks where not granted and relation = ${table}::regclass`;
  return row?.count ?? 0;
};

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error('It did not come to pass.');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test('cancelling in the middle of a launch takes effect at once, and the launch leaves nothing', async ({
  db,
  database,
}) => {
  const tenantId = await makeTenant(db);
  const sender = await makeSender(db, tenantId);
  await makePeople(db, tenantId, 50);
  const audience = { segmentIds: [await makeSegment(db, tenantId)] };
  const campaignId = await makeCampaign(db, tenantId, sender, { status: 'LAUNCHING', audience });
  const report = await during(database, db, tenantId, campaignId, async () => {
    await inTenant(db, tenantId, (tx) => cancelCampaign(tx, bySystem(tenantId), campaignId));
    expect(await campaignOf(db, tenantId, campaignId)).toMatchObject({ status: 'CANCELLED' });
  });
  expect(report).toEqual({ outcome: 'lost', messages: 0 });
  expect(await messagesOf(db, tenantId, campaignId)).toEqual([]);
  expect(await campaignOf(db, tenantId, campaignId)).toMatchObject({ status: 'CANCELLED', launchedAt: null });
});

test('a run that lost its lease to another one leaves nothing, and the other one everything', async ({
  db,
  database,
}) => {
  const tenantId = await makeTenant(db);
  const sender = await makeSender(db, tenantId);
  await makePeople(db, tenantId, 50);
  const audience = { segmentIds: [await makeSegment(db, tenantId)] };
  const campaignId = await makeCampaign(db, tenantId, sender, { status: 'LAUNCHING', audience });
  const report = await during(database, db, tenantId, campaignId, async () => {
    await inTenant(db, tenantId, (tx) =>
      tx.campaign.update({
        where: { tenantId_id: { tenantId, id: campaignId } },
        data: { leaseToken: crypto.randomUUID(), leaseUntil: new Date(0) },
      }),
    );
  });
  expect(report).toEqual({ outcome: 'lost', messages: 0 });
  expect(await launch(db, tenantId, campaignId)).toEqual({ outcome: 'launched', messages: 50 });
  expect(await messagesOf(db, tenantId, campaignId)).toHaveLength(50);
});

test('the lease is kept while a launch takes long', async ({ db, database }) => {
  const tenantId = await makeTenant(db);
  const sender = await makeSender(db, tenantId);
  await makePeople(db, tenantId, 5);
  const audience = { segmentIds: [await makeSegment(db, tenantId)] };
  const campaignId = await makeCampaign(db, tenantId, sender, { status: 'LAUNCHING', audience });
  const report = await during(database, db, tenantId, campaignId, async () => {
    const begun = Date.now();
    await until(async () => Date.now() > begun + 1_500); // longer than a lease
    expect(await launch(db, tenantId, campaignId)).toMatchObject({ outcome: 'nothing to do' });
  });
  expect(report).toEqual({ outcome: 'launched', messages: 5 });
});

test('who is deleted while the audience is frozen is not written to, and the totals stay', async ({ db, database }) => {
  const tenantId = await makeTenant(db);
  const sender = await makeSender(db, tenantId);
  const [before, meanwhile] = [
    await makePerson(db, tenantId, { name: 'Before' }),
    await makePerson(db, tenantId, { name: 'Meanwhile' }),
  ];
  await makePerson(db, tenantId, { name: 'Stays' });
  const audience = { segmentIds: [await makeSegment(db, tenantId)] };
  const campaignId = await makeCampaign(db, tenantId, sender, { status: 'LAUNCHING', audience });
  // One is being deleted when the launch begins: it waits for that, and leaves the person out.
  const gate = Promise.withResolvers<void>();
  const deleted = Promise.withResolvers<void>();
  const deletion = inTenant(db, tenantId, async (tx: Tx) => {
    await deleteContact(tx, bySystem(tenantId), before);
    deleted.resolve();
    await gate.promise;
  });
  await deleted.promise;
  let late: Promise<unknown> = Promise.resolve();
  await using superuser = await connect(database.superuserUrl);
  await superuser.query('begin');
  await superuser.query(`lock table whatsapp_numbers in access exclusive mode`);
  const launched = launch(db, tenantId, campaignId);
  await until(async () => (await blocked(superuser)) > 0);
  gate.resolve();
  await deletion;
  await until(async () => (await waiting(superuser, 'whatsapp_numbers')) > 0); // for its foreign key, which is looked at last
  // The other one is deleted when its message is written, but not committed.
  late = inTenant(db, tenantId, (tx) => deleteContact(tx, bySystem(tenantId), meanwhile));
  await until(async () => (await blocked(superuser)) > 1);
  await superuser.query('commit');
  expect(await launched).toEqual({ outcome: 'launched', messages: 2 });
  await late;
  const messages = await messagesOf(db, tenantId, campaignId);
  expect(
    messages
      .map(({ status, reason, contactId, address }) => [status, reason, contactId === null, address === null])
      .sort(([one], [other]) => String(one).localeCompare(String(other))),
  ).toEqual([
    ['QUEUED', null, false, false],
    ['SKIPPED', 'CONTACT_DELETED', true, true],
  ]);
});

const blocked = async (superuser: Awaited<ReturnType<typeof connect>>) => {
  await superuser.sql`select pg_stat_clear_snapshot()`; // else it is what it was when its transaction first looked
  const [row] = await superuser.sql<{ count: number }>`
    select count(*)::int as count from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`;
  return row?.count ?? 0;
};

test('two contacts that become one while the audience is frozen get one message', async ({ db, database }) => {
  const tenantId = await makeTenant(db);
  const sender = await makeSender(db, tenantId);
  const [sourceId, targetId] = [await makePerson(db, tenantId), await makePerson(db, tenantId)];
  const campaignId = await makeCampaign(db, tenantId, sender, {
    status: 'LAUNCHING',
    audience: { contactIds: [sourceId, targetId] },
  });
  await using superuser = await connect(database.superuserUrl);
  await superuser.query('begin');
  await superuser.query(`lock table whatsapp_numbers in access exclusive mode`); // stops the launch at its first message, by its foreign key
  const launched = launch(db, tenantId, campaignId);
  await until(async () => (await blocked(superuser)) > 0);
  await inTenant(db, tenantId, (tx) => mergeContacts(tx, bySystem(tenantId), { sourceId, targetId }));
  await superuser.query('commit');
  expect(await launched).toMatchObject({ outcome: 'launched' });
  const messages = await messagesOf(db, tenantId, campaignId);
  expect(Object.fromEntries(messages.map(({ contactId, status, reason }) => [contactId, reason ?? status]))).toEqual({
    [sourceId]: 'DUPLICATE',
    [targetId]: 'QUEUED',
  });
});

test('a campaign whose segment is gone, or asks for what is gone, fails and says so: an exclusion never falls away', async ({
  db,
}) => {
  const tenantId = await makeTenant(db);
  const sender = await makeSender(db, tenantId);
  await makePerson(db, tenantId);
  const everybody = await makeSegment(db, tenantId);
  for (const filter of [undefined, { tag: { has: crypto.randomUUID() } }]) {
    const excluded = filter ? await makeSegment(db, tenantId, filter) : crypto.randomUUID();
    const campaignId = await makeCampaign(db, tenantId, sender, {
      status: 'LAUNCHING',
      audience: { segmentIds: [everybody], excludeSegmentIds: [excluded] },
    });
    expect(await launch(db, tenantId, campaignId)).toMatchObject({ outcome: 'failed' });
    expect(await campaignOf(db, tenantId, campaignId)).toMatchObject({
      status: 'FAILED',
      blockedReason: 'AUDIENCE_INVALID',
    });
    expect(await messagesOf(db, tenantId, campaignId)).toEqual([]);
  }
});

test('a campaign that is launched after its validity fails and says so', async ({ db }) => {
  const tenantId = await makeTenant(db);
  const sender = await makeSender(db, tenantId);
  const audience = { contactIds: [await makePerson(db, tenantId)] };
  const campaignId = await makeCampaign(db, tenantId, sender, {
    status: 'LAUNCHING',
    audience,
    validUntil: new Date(Date.now() - 1_000),
  });
  expect(await launch(db, tenantId, campaignId)).toMatchObject({ outcome: 'failed' });
  expect(await campaignOf(db, tenantId, campaignId)).toMatchObject({
    status: 'FAILED',
    blockedReason: 'VALIDITY_OVER',
  });
});

test('another tenant launches nothing', async ({ db }) => {
  const [ours, theirs] = [await makeTenant(db), await makeTenant(db)];
  const sender = await makeSender(db, ours);
  const audience = { contactIds: [await makePerson(db, ours)] };
  const campaignId = await makeCampaign(db, ours, sender, { status: 'LAUNCHING', audience });
  expect(await launch(db, theirs, campaignId)).toMatchObject({ outcome: 'nothing to do' });
  expect(await messagesOf(db, ours, campaignId)).toEqual([]);
});
